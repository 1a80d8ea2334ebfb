"""Create the tables."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

RUNGS = ("1s", "10s", "1min", "15min", "1h", "1day")
"""One table a rung; a rung that changes all the time leaves half of each page free for HOT updates."""


def upgrade() -> None:
    op.create_table('alert_evaluators',
    sa.Column('holder', sa.Text(), nullable=False, comment='somebody the shards are shared out to'),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('holder', name=op.f('pk_alert_evaluators'))
    )
    op.create_table('alert_leases',
    sa.Column('shard', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False, comment='moves with every take-over'),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('shard', name=op.f('pk_alert_leases'))
    )
    op.create_table('alerts',
    sa.Column('alert_id', sa.Text(), nullable=False, comment='hash of slug, rule and dimensions'),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('dimensions', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('shard', sa.SmallInteger(), nullable=False, comment='of alert_leases: whose holder writes the row'),
    sa.Column('definition', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='the rule as last evaluated; it outlives its KPI'),
    sa.Column('state', sa.Text(), nullable=False, comment='inactive, pending, firing'),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('breached_at', sa.DateTime(timezone=True), nullable=True, comment='firing only: when the condition began to hold'),
    sa.Column('value', sa.Numeric(), nullable=True),
    sa.Column('transition', sa.BigInteger(), server_default='0', nullable=False, comment='numbers the changes'),
    sa.Column('evaluated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True, comment='the rule is gone, the numbering goes on'),
    sa.PrimaryKeyConstraint('alert_id', name=op.f('pk_alerts'))
    )
    op.create_index(op.f('ix_alerts_slug_rule_alert_id'), 'alerts', ['slug', 'rule', 'alert_id'], unique=False)
    op.create_index(op.f('ix_alerts_shard'), 'alerts', ['shard'], unique=False)
    op.create_table('catalogue',
    sa.Column('singleton', sa.Boolean(), server_default='true', nullable=False),
    sa.Column('revision', sa.BigInteger(), server_default='0', nullable=False, comment='moves with every change'),
    sa.CheckConstraint('singleton', name=op.f('ck_catalogue_one_row')),
    sa.PrimaryKeyConstraint('singleton', name=op.f('pk_catalogue'))
    )
    op.create_table('flushes',
    sa.Column('partition', sa.Integer(), nullable=False),
    sa.Column('next_offset', sa.BigInteger(), nullable=False, comment='offsets [first_offset, next_offset)'),
    sa.Column('first_offset', sa.BigInteger(), nullable=False),
    sa.Column('first_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('flushed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ids', sa.LargeBinary(), nullable=False, comment='16 bytes an event seen for the first time'),
    sa.PrimaryKeyConstraint('partition', 'next_offset', name=op.f('pk_flushes'))
    )
    op.create_index(op.f('ix_flushes_partition_flushed_at'), 'flushes', ['partition', 'flushed_at'], unique=False)
    op.create_table('kpi_current',
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('window', sa.Text(), nullable=False),
    sa.Column('dimensions', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='{} is the total'),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('value', sa.Numeric(), nullable=True),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('window_start', sa.DateTime(timezone=True), nullable=False),
    sa.Column('window_end', sa.DateTime(timezone=True), nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    sa.Column('complete', sa.Boolean(), nullable=False),
    sa.Column('valid_until', sa.DateTime(timezone=True), nullable=True, comment='null: only an event can change it'),
    sa.Column('refreshed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revision', sa.BigInteger(), nullable=False, comment='moves when the row changes; orders the stream'),
    sa.Column('changed_in', sa.BigInteger(), nullable=False, comment='the transaction, so that readers miss none'),
    sa.PrimaryKeyConstraint('slug', 'window', 'dimensions', name=op.f('pk_kpi_current'))
    )
    op.create_index(op.f('ix_kpi_current_changed_in'), 'kpi_current', ['changed_in'], unique=False)
    op.create_table('kpi_versions',
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('spec', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='the definition as applied; never changed'),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('slug', 'version', name=op.f('pk_kpi_versions'))
    )
    op.create_table('kpis',
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False, comment='the version in force'),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('slug', name=op.f('pk_kpis'))
    )
    op.create_table('measures',
    sa.Column('measure_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('event_type', sa.Text(), nullable=False),
    sa.Column('filter', sa.Text(), nullable=True),
    sa.Column('value', sa.Text(), nullable=True),
    sa.Column('scale', sa.SmallInteger(), nullable=False),
    sa.Column('zone', sa.Text(), nullable=False, comment='where the days of the day rung begin'),
    sa.Column('breakdown', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('finest', sa.SmallInteger(), nullable=False, comment='the finest rung written'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('measure_id', name=op.f('pk_measures')),
    sa.UniqueConstraint('fingerprint', name=op.f('uq_measures_fingerprint'))
    )
    op.create_table('outbox',
    sa.Column('notice_id', sa.Text(), nullable=False, comment='the same for every delivery of a transition'),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('alert_id', sa.Text(), nullable=False),
    sa.Column('transition', sa.BigInteger(), nullable=False, comment='orders the notices of an alert'),
    sa.Column('payload', sa.Text(), nullable=False, comment='JSON, byte for byte what every attempt sends'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False, comment='moved ahead while somebody sends it'),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('claim', sa.BigInteger(), server_default='0', nullable=False, comment='fences a slow deliverer'),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('abandoned_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('notice_id', 'channel', name=op.f('pk_outbox'))
    )
    op.create_index('ix_outbox_due', 'outbox', ['channel', 'due_at'], unique=False, postgresql_where=sa.text('delivered_at IS NULL AND abandoned_at IS NULL'))
    op.create_index('ix_outbox_order', 'outbox', ['channel', 'alert_id', 'transition'], unique=False, postgresql_where=sa.text('delivered_at IS NULL AND abandoned_at IS NULL'))
    op.create_table('panes',
    sa.Column('series_id', sa.BigInteger(), nullable=False),
    sa.Column('rung', sa.SmallInteger(), nullable=False),
    sa.Column('start_us', sa.BigInteger(), nullable=False, comment='microseconds since the epoch'),
    sa.Column('shard', sa.SmallInteger(), nullable=False, comment='the partition whose owner writes the row'),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('sum', sa.Numeric(), nullable=False, comment='of values scaled to integers'),
    sa.Column('min', sa.BigInteger(), nullable=False),
    sa.Column('max', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('series_id', 'rung', 'start_us', 'shard', name=op.f('pk_panes')),
    postgresql_partition_by='LIST (rung)'
    )
    op.create_table('positions',
    sa.Column('partition', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('next_offset', sa.BigInteger(), nullable=False, comment='Postgres has counted up to here'),
    sa.Column('epoch', sa.BigInteger(), nullable=False, comment='moves with every take-over and fences the one before'),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('log_id', sa.Text(), nullable=False, comment='the cluster the offsets belong to'),
    sa.Column('revision', sa.BigInteger(), server_default='0', nullable=False, comment='of the catalogue counted by'),
    sa.Column('current_to', sa.DateTime(timezone=True), nullable=False),
    sa.Column('watermark', sa.DateTime(timezone=True), nullable=True),
    sa.Column('consumed', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('applied', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('duplicate', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('dead_lettered', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('consumed = applied + duplicate + dead_lettered', name=op.f('ck_positions_ledger_balances')),
    sa.PrimaryKeyConstraint('partition', name=op.f('pk_positions'))
    )
    op.create_table('activations',
    sa.Column('measure_id', sa.BigInteger(), nullable=False),
    sa.Column('partition', sa.Integer(), nullable=False),
    sa.Column('from_offset', sa.BigInteger(), nullable=False, comment='the first offset counted into the measure'),
    sa.Column('activated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['measure_id'], ['measures.measure_id'], name=op.f('fk_activations_measure_id')),
    sa.PrimaryKeyConstraint('measure_id', 'partition', name=op.f('pk_activations'))
    )
    op.create_table('alert_transitions',
    sa.Column('alert_id', sa.Text(), nullable=False),
    sa.Column('transition', sa.BigInteger(), nullable=False),
    sa.Column('from_state', sa.Text(), nullable=False),
    sa.Column('to_state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False, comment='value, rule_removed'),
    sa.Column('value', sa.Numeric(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alerts.alert_id'], name=op.f('fk_alert_transitions_alert_id')),
    sa.PrimaryKeyConstraint('alert_id', 'transition', name=op.f('pk_alert_transitions'))
    )
    op.create_table('series',
    sa.Column('series_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('measure_id', sa.BigInteger(), nullable=False),
    sa.Column('dimensions', sa.Text(), nullable=False, comment='JSON array of values in breakdown order'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['measure_id'], ['measures.measure_id'], name=op.f('fk_series_measure_id')),
    sa.PrimaryKeyConstraint('series_id', name=op.f('pk_series')),
    sa.UniqueConstraint('measure_id', 'dimensions', name=op.f('uq_series_measure_id_dimensions'))
    )
    op.execute("INSERT INTO catalogue (singleton) VALUES (true)")
    op.execute(
        "INSERT INTO alert_leases (shard, holder, epoch, expires_at)"
        " SELECT shard, '', 0, now() FROM generate_series(0, 7) AS shard"
    )
    op.execute("CREATE SEQUENCE kpi_current_revision")
    for rung, name in enumerate(RUNGS):
        op.execute(
            f"CREATE TABLE panes_{name} PARTITION OF panes FOR VALUES IN ({rung})"
            " WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05,"
            " autovacuum_vacuum_insert_scale_factor = 0.1)"
        )
    for table in ("positions", "kpi_current", "alerts", "outbox"):
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")


def downgrade() -> None:
    op.execute("DROP SEQUENCE kpi_current_revision")
    op.drop_table('series')
    op.drop_table('alert_transitions')
    op.drop_table('activations')
    op.drop_table('positions')
    op.drop_table('panes')
    op.drop_index('ix_outbox_order', table_name='outbox', postgresql_where=sa.text('delivered_at IS NULL AND abandoned_at IS NULL'))
    op.drop_index('ix_outbox_due', table_name='outbox', postgresql_where=sa.text('delivered_at IS NULL AND abandoned_at IS NULL'))
    op.drop_table('outbox')
    op.drop_table('measures')
    op.drop_table('kpis')
    op.drop_table('kpi_versions')
    op.drop_index(op.f('ix_kpi_current_changed_in'), table_name='kpi_current')
    op.drop_table('kpi_current')
    op.drop_index(op.f('ix_flushes_partition_flushed_at'), table_name='flushes')
    op.drop_table('flushes')
    op.drop_table('catalogue')
    op.drop_index(op.f('ix_alerts_shard'), table_name='alerts')
    op.drop_index(op.f('ix_alerts_slug_rule_alert_id'), table_name='alerts')
    op.drop_table('alerts')
    op.drop_table('alert_leases')
    op.drop_table('alert_evaluators')
