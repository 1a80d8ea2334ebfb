"""Let panes hold the partials of every aggregate: squares, first and last, sketches."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

RUNGS = ("1s", "10s", "1min", "15min", "1h", "1day")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column('measures', sa.Column('kind', sa.Text(), server_default='numbers', nullable=False, comment='which partial its panes hold'))
    op.add_column('measures', sa.Column('hours', postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment='business hours it is limited to; null takes every hour'))
    op.add_column('panes', sa.Column('squares', sa.Numeric(), nullable=True, comment='sum of squared values; measures of the kind squares'))
    op.add_column('panes', sa.Column('first_us', sa.BigInteger(), nullable=True, comment='event time of the first event; measures of the kind ends'))
    op.add_column('panes', sa.Column('first_key', sa.LargeBinary(), nullable=True, comment='its key, which parts events of the same instant'))
    op.add_column('panes', sa.Column('first_value', sa.BigInteger(), nullable=True))
    op.add_column('panes', sa.Column('last_us', sa.BigInteger(), nullable=True))
    op.add_column('panes', sa.Column('last_key', sa.LargeBinary(), nullable=True))
    op.add_column('panes', sa.Column('last_value', sa.BigInteger(), nullable=True))
    op.create_table('pane_sketches',
    sa.Column('series_id', sa.BigInteger(), nullable=False),
    sa.Column('rung', sa.SmallInteger(), nullable=False),
    sa.Column('start_us', sa.BigInteger(), nullable=False, comment='microseconds since the epoch'),
    sa.Column('shard', sa.SmallInteger(), nullable=False, comment='the partition whose owner writes the row'),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False, comment='the sketch; its first byte says how it is written'),
    sa.PrimaryKeyConstraint('series_id', 'rung', 'start_us', 'shard', name=op.f('pk_pane_sketches')),
    postgresql_partition_by='LIST (rung)'
    )
    for rung, name in enumerate(RUNGS):
        op.execute(
            f"CREATE TABLE pane_sketches_{name} PARTITION OF pane_sketches FOR VALUES IN ({rung})"
            " WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05,"
            " autovacuum_vacuum_insert_scale_factor = 0.1)"
        )


def downgrade() -> None:
    op.drop_table('pane_sketches')
    for column in ('last_value', 'last_key', 'last_us', 'first_value', 'first_key', 'first_us', 'squares'):
        op.drop_column('panes', column)
    op.drop_column('measures', 'hours')
    op.drop_column('measures', 'kind')
