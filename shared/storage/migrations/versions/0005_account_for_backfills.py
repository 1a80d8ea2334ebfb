"""Say since when a backfill's stretch of the log is whole, and how many values it could not count."""

from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column('backfill_cursors', sa.Column('first_at', sa.DateTime(timezone=True), nullable=True, comment='when its first record was sent; null before one was read'))
    op.add_column('backfill_cursors', sa.Column('unfit', sa.BigInteger(), server_default='0', nullable=False, comment='events left out of a measure whose value for them does not fit'))


def downgrade() -> None:
    op.drop_column('backfill_cursors', 'unfit')
    op.drop_column('backfill_cursors', 'first_at')
