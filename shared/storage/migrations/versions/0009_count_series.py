"""Keep how many series a measure has, so that nobody counts them whenever new ones are met."""

from alembic import op
import sqlalchemy as sa

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column('measures', sa.Column('series_count', sa.BigInteger(), server_default='0', nullable=False, comment='how many series it was given'))
    op.execute('UPDATE measures m SET series_count = (SELECT count(*) FROM series s WHERE s.measure_id = m.measure_id)')


def downgrade() -> None:
    op.drop_column('measures', 'series_count')
