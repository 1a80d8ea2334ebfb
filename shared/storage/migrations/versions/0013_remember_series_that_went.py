"""Remember series that have left kpi_current, so that who follows it learns of it."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        'kpi_gone',
        sa.Column('slug', sa.Text(), nullable=False),
        sa.Column('window', sa.Text(), nullable=False),
        sa.Column('dimensions', postgresql.JSONB(), nullable=False),
        sa.Column('revision', sa.BigInteger(), nullable=False, comment='of the removal, among those of kpi_current'),
        sa.Column('changed_in', sa.BigInteger(), nullable=False, comment='the transaction, as in kpi_current'),
        sa.Column('gone_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('slug', 'window', 'dimensions', name=op.f('pk_kpi_gone')),
    )
    op.create_index(op.f('ix_kpi_gone_changed_in'), 'kpi_gone', ['changed_in'])
    op.create_table(
        'kpi_gone_forgotten',
        sa.Column('singleton', sa.Boolean(), server_default='true', nullable=False),
        sa.Column('changed_in', sa.BigInteger(), nullable=False, comment='up to here not all of it is known'),
        sa.CheckConstraint('singleton', name=op.f('ck_kpi_gone_forgotten_one_row')),
        sa.PrimaryKeyConstraint('singleton', name=op.f('pk_kpi_gone_forgotten')),
    )
    # What went before this release is not known.
    op.execute('INSERT INTO kpi_gone_forgotten (changed_in) SELECT pg_current_xact_id()::text::bigint')


def downgrade() -> None:
    op.drop_table('kpi_gone_forgotten')
    op.drop_table('kpi_gone')
