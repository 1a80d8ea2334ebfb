"""Keep what was seen of each event type."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        'observed_types',
        sa.Column('event_type', sa.Text(), nullable=False),
        sa.Column('events', sa.BigInteger(), nullable=False),
        sa.Column('sampled', sa.BigInteger(), nullable=False, comment='how many of them were looked into'),
        sa.Column('flagged', sa.BigInteger(), nullable=False, comment='how many broke the schema and were passed on'),
        sa.Column('rejected', sa.BigInteger(), nullable=False, comment='how many were refused because of the schema'),
        sa.Column('fields', postgresql.JSONB(), nullable=False, comment='by path; values of personal fields are masked'),
        sa.Column('has_more_fields', sa.Boolean(), nullable=False),
        sa.Column('violations', postgresql.JSONB(), nullable=False),
        sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('event_type', name=op.f('pk_observed_types')),
    )
    op.create_table(
        'observed_values',
        sa.Column('event_type', sa.Text(), nullable=False),
        sa.Column('path', sa.Text(), nullable=False),
        sa.Column('sketch', sa.LargeBinary(), nullable=False, comment='which different values were met'),
        sa.ForeignKeyConstraint(['event_type'], ['observed_types.event_type'], name=op.f('fk_observed_values_event_type_observed_types')),
        sa.PrimaryKeyConstraint('event_type', 'path', name=op.f('pk_observed_values')),
    )
    op.create_table(
        'observed_rates',
        sa.Column('event_type', sa.Text(), nullable=False),
        sa.Column('length_s', sa.SmallInteger(), nullable=False, comment='10, 60 or 900'),
        sa.Column('start_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('events', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['event_type'], ['observed_types.event_type'], name=op.f('fk_observed_rates_event_type_observed_types')),
        sa.PrimaryKeyConstraint('event_type', 'length_s', 'start_at', name=op.f('pk_observed_rates')),
    )
    op.create_table(
        'observed_up_to',
        sa.Column('topic', sa.Text(), nullable=False, comment='tidemark.observations'),
        sa.Column('next_offset', sa.BigInteger(), nullable=False, comment='the summaries before it are in these tables'),
        sa.Column('other_events', sa.BigInteger(), nullable=False, comment='of types for which there was no room'),
        sa.PrimaryKeyConstraint('topic', name=op.f('pk_observed_up_to')),
    )
    op.execute("INSERT INTO observed_up_to (topic, next_offset, other_events) VALUES ('tidemark.observations', 0, 0)")


def downgrade() -> None:
    op.drop_table('observed_up_to')
    op.drop_table('observed_rates')
    op.drop_table('observed_values')
    op.drop_table('observed_types')
