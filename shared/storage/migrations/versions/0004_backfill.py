"""Keep what a backfill wants, which measures it fills, and how far it has come."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('backfills',
    sa.Column('backfill_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('wanted', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='the definitions put in force when it is done'),
    sa.Column('state', sa.Text(), nullable=False, comment='running, done, cancelled, failed'),
    sa.Column('rate_limit', sa.Integer(), nullable=True, comment='events a second at most; null is without limit'),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('backfill_id', name=op.f('pk_backfills'))
    )
    op.create_table('backfill_measures',
    sa.Column('backfill_id', sa.BigInteger(), nullable=False),
    sa.Column('measure_id', sa.BigInteger(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False, comment='what the measure takes over when it is done'),
    sa.ForeignKeyConstraint(['backfill_id'], ['backfills.backfill_id'], name=op.f('fk_backfill_measures_backfill_id')),
    sa.ForeignKeyConstraint(['measure_id'], ['measures.measure_id'], name=op.f('fk_backfill_measures_measure_id')),
    sa.PrimaryKeyConstraint('backfill_id', 'measure_id', name=op.f('pk_backfill_measures'))
    )
    op.create_table('backfill_cursors',
    sa.Column('backfill_id', sa.BigInteger(), nullable=False),
    sa.Column('partition', sa.Integer(), nullable=False),
    sa.Column('first_offset', sa.BigInteger(), nullable=False),
    sa.Column('next_offset', sa.BigInteger(), nullable=False, comment='counted up to here'),
    sa.Column('until_offset', sa.BigInteger(), nullable=False, comment='live counting began here: the hand-over'),
    sa.Column('epoch', sa.BigInteger(), server_default='0', nullable=False, comment='fences an earlier worker'),
    sa.Column('counted', sa.BigInteger(), server_default='0', nullable=False, comment='events counted so far'),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['backfill_id'], ['backfills.backfill_id'], name=op.f('fk_backfill_cursors_backfill_id')),
    sa.PrimaryKeyConstraint('backfill_id', 'partition', name=op.f('pk_backfill_cursors'))
    )


def downgrade() -> None:
    op.drop_table('backfill_cursors')
    op.drop_table('backfill_measures')
    op.drop_table('backfills')
