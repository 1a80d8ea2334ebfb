"""Record retractions, the panes they leave to be repaired, and the offsets of a flush that count nothing."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column('flushes', sa.Column('skipped', postgresql.ARRAY(sa.BigInteger()), nullable=True, comment='offsets that count nothing; null where all count'))
    op.create_table('retractions',
    sa.Column('partition', sa.Integer(), nullable=False),
    sa.Column('key', sa.LargeBinary(), nullable=False, comment='the key of the event that is retracted'),
    sa.Column('offset', sa.BigInteger(), nullable=False, comment='of the retraction itself'),
    sa.Column('retracted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Text(), nullable=False, comment='sought, undone, or ahead of its event'),
    sa.Column('undone_offset', sa.BigInteger(), nullable=True, comment='of the event that was undone'),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('partition', 'key', name=op.f('pk_retractions'))
    )
    op.create_index(op.f('ix_retractions_partition'), 'retractions', ['partition'], unique=False, postgresql_where=sa.text("state = 'sought'"))
    op.create_index(op.f('ix_retractions_partition_undone_offset'), 'retractions', ['partition', 'undone_offset'], unique=False)
    op.create_table('pane_repairs',
    sa.Column('series_id', sa.BigInteger(), nullable=False),
    sa.Column('rung', sa.SmallInteger(), nullable=False),
    sa.Column('start_us', sa.BigInteger(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('series_id', 'rung', 'start_us', name=op.f('pk_pane_repairs'))
    )


def downgrade() -> None:
    op.drop_table('pane_repairs')
    op.drop_index(op.f('ix_retractions_partition_undone_offset'), table_name='retractions')
    op.drop_index(op.f('ix_retractions_partition'), table_name='retractions', postgresql_where=sa.text("state = 'sought'"))
    op.drop_table('retractions')
    op.drop_column('flushes', 'skipped')
