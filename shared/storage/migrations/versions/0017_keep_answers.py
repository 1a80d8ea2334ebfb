"""Keep what was answered to requests with a key, so that they may be sent again."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        'kept_answers',
        sa.Column('actor', sa.Text(), nullable=False, comment='who asked'),
        sa.Column('key', sa.Text(), nullable=False, comment='the Idempotency-Key of the request'),
        sa.Column('fingerprint', sa.Text(), nullable=False, comment='of the request'),
        sa.Column('status', sa.Integer(), nullable=False),
        sa.Column('headers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('actor', 'key', name=op.f('pk_kept_answers')),
    )
    op.create_index(op.f('ix_kept_answers_created_at'), 'kept_answers', ['created_at'])


def downgrade() -> None:
    op.drop_index(op.f('ix_kept_answers_created_at'), table_name='kept_answers')
    op.drop_table('kept_answers')
