"""Keep up to where current values are published, and whose turn it is."""

from alembic import op
import sqlalchemy as sa

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        'value_publication',
        sa.Column('singleton', sa.Boolean(), server_default='true', nullable=False),
        sa.Column('holder', sa.Text(), server_default='', nullable=False, comment='who publishes'),
        sa.Column('epoch', sa.BigInteger(), server_default='0', nullable=False, comment='moves with every take-over'),
        sa.Column('expires_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('position', sa.BigInteger(), server_default='0', nullable=False, comment='what transactions before it changed is published'),
        sa.CheckConstraint('singleton', name=op.f('ck_value_publication_one_row')),
        sa.PrimaryKeyConstraint('singleton', name=op.f('pk_value_publication')),
    )
    op.execute('INSERT INTO value_publication DEFAULT VALUES')


def downgrade() -> None:
    op.drop_table('value_publication')
