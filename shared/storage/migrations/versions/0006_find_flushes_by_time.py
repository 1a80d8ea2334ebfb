"""Find the flushes that may hold events of a stretch of time without looking at all of them."""

from alembic import op
import sqlalchemy as sa

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_index(
        op.f('ix_flushes_times'),
        'flushes',
        [sa.text("tstzrange(first_time, last_time, '[]')")],
        postgresql_using='gist',
        postgresql_where=sa.text('first_time IS NOT NULL'),
    )


def downgrade() -> None:
    op.drop_index(op.f('ix_flushes_times'), table_name='flushes')
