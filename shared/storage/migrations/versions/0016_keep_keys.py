"""Keep the digests of API keys, with what each key may do and see."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        'api_keys',
        sa.Column('key_id', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column('departments', postgresql.ARRAY(sa.Text()), nullable=True, comment='whose KPIs it sees; null says nothing'),
        sa.Column('kpis', postgresql.ARRAY(sa.Text()), nullable=True, comment='which KPIs it sees; null in both: all'),
        sa.Column('created_by', sa.Text(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False, comment='SHA-256 of the key; the key itself is nowhere'),
        sa.Column('earlier_digest', sa.LargeBinary(), nullable=True, comment='of the key before the last rotation'),
        sa.Column('earlier_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('rotated_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('request', sa.LargeBinary(), nullable=True, comment='SHA-256 of who made it and their Idempotency-Key'),
        sa.Column('request_body', sa.LargeBinary(), nullable=True, comment='SHA-256 of what was asked for with it'),
        sa.PrimaryKeyConstraint('key_id', name=op.f('pk_api_keys')),
        sa.UniqueConstraint('request', name=op.f('uq_api_keys_request')),
    )


def downgrade() -> None:
    op.drop_table('api_keys')
