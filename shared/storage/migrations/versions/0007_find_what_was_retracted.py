"""Say where the event of a retraction lies, as far as that is known when the retraction comes."""

from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column('retractions', sa.Column('lies_from', sa.BigInteger(), nullable=True, comment='its event lies at or after it, in the same flush; null where nobody remembers it'))


def downgrade() -> None:
    op.drop_column('retractions', 'lies_from')
