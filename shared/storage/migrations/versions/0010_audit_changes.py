"""Keep a log of who changed what, chained by hashes; nothing in it is changed or deleted."""

from alembic import op
import sqlalchemy as sa

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        'audit',
        sa.Column('seq', sa.BigInteger(), autoincrement=False, nullable=False, comment='from 1, without a gap'),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('actor', sa.Text(), nullable=False),
        sa.Column('action', sa.Text(), nullable=False, comment='noun and verb: kpi.update'),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('detail', sa.Text(), nullable=False, comment='JSON, byte for byte what is hashed'),
        sa.Column('hash', sa.LargeBinary(), nullable=False, comment='of the entry and the hash of the one before'),
        sa.PrimaryKeyConstraint('seq', name=op.f('pk_audit')),
    )
    op.create_index(op.f('ix_audit_subject_seq'), 'audit', ['subject', 'seq'])
    head = op.create_table(
        'audit_head',
        sa.Column('singleton', sa.Boolean(), server_default='true', nullable=False),
        sa.Column('seq', sa.BigInteger(), nullable=False, comment='of the newest entry; writers queue for this row'),
        sa.Column('hash', sa.LargeBinary(), nullable=False),
        sa.CheckConstraint('singleton', name=op.f('ck_audit_head_one_row')),
        sa.PrimaryKeyConstraint('singleton', name=op.f('pk_audit_head')),
    )
    op.bulk_insert(head, [{'singleton': True, 'seq': 0, 'hash': bytes(32)}])
    # Against accidents, and against whoever may write the table but does not own it; the chain is for the rest.
    op.execute(
        """
        CREATE FUNCTION audit_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit log is only added to';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_is_only_added_to()
        """
    )


def downgrade() -> None:
    op.drop_table('audit_head')
    op.drop_table('audit')
    op.execute('DROP FUNCTION audit_is_only_added_to()')
