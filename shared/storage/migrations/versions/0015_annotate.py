"""Keep what people say about KPIs."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        'annotations',
        sa.Column('annotation_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column('version', sa.Integer(), server_default='1', nullable=False, comment='moves with every edit'),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('link', sa.Text(), nullable=True),
        sa.Column('reply_to', sa.BigInteger(), nullable=True, comment='whose subject it shares: the columns below are empty then'),
        sa.Column('kpis', postgresql.ARRAY(sa.Text()), nullable=True, comment='sorted slugs; null is every KPI'),
        sa.Column('window', sa.Text(), nullable=True),
        sa.Column('dimensions', postgresql.JSONB(), nullable=True, comment='null is any series, {} the total'),
        sa.Column('start_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('end_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('last_at', sa.DateTime(timezone=True), sa.Computed('coalesce(end_at, start_at)', persisted=True), nullable=True),
        sa.Column('author', sa.Text(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('edited_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('idempotency_key', sa.Text(), nullable=True, comment='of the request that made it; unique for its author'),
        sa.CheckConstraint('(reply_to IS NULL) = (start_at IS NOT NULL)', name=op.f('ck_annotations_threads')),
        sa.ForeignKeyConstraint(['reply_to'], ['annotations.annotation_id'], name=op.f('fk_annotations_reply_to'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('annotation_id', name=op.f('pk_annotations')),
    )
    op.create_index(op.f('ix_annotations_start_at_annotation_id'), 'annotations', ['start_at', 'annotation_id'])
    op.create_index(op.f('ix_annotations_last_at'), 'annotations', ['last_at'])
    op.create_index(op.f('ix_annotations_reply_to_annotation_id'), 'annotations', ['reply_to', 'annotation_id'])
    op.create_index(op.f('ix_annotations_author_idempotency_key'), 'annotations', ['author', 'idempotency_key'], unique=True)


def downgrade() -> None:
    op.drop_table('annotations')
