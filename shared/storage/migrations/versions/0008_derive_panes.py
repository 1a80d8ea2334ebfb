"""Note up to when coarser panes are made of finer ones."""

from alembic import op
import sqlalchemy as sa

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        'pane_marks',
        sa.Column('part', sa.SmallInteger(), nullable=False, comment='the number of a series modulo 16'),
        sa.Column('rung', sa.SmallInteger(), nullable=False),
        sa.Column('until_us', sa.BigInteger(), nullable=False, comment='panes that end by it are whole; of later ones there is nothing'),
        sa.PrimaryKeyConstraint('part', 'rung', name=op.f('pk_pane_marks')),
    )
    # Before this release every rung was written at once: what is there is whole, events of the future included,
    # and so is what a process of that release still writes within a day.
    op.execute(
        """
        INSERT INTO pane_marks (part, rung, until_us)
        SELECT part, rung, CASE WHEN EXISTS (SELECT FROM panes) OR EXISTS (SELECT FROM positions) THEN
            (CAST(extract(epoch FROM now() + interval '1 day') AS bigint) / 3600 + 1) * 3600000000 ELSE 0 END
        FROM generate_series(0, 15) AS part, generate_series(1, 4) AS rung
        """
    )


def downgrade() -> None:
    # The release before reads every rung wherever a window has whole panes of it.
    for rung, length_us in ((1, 10_000_000), (2, 60_000_000), (3, 900_000_000), (4, 3_600_000_000)):
        op.execute(
            f"""
            INSERT INTO panes (series_id, rung, start_us, shard, n, sum, min, max, squares)
            SELECT p.series_id, {rung}, p.start_us - mod(p.start_us, {length_us}), p.shard,
                   sum(p.n), sum(p.sum), min(p.min), max(p.max), sum(p.squares)
            FROM panes p JOIN series s USING (series_id) JOIN measures m USING (measure_id)
            JOIN pane_marks k ON k.rung = {rung} AND k.part = mod(p.series_id, 16)
            WHERE p.rung = {rung} - 1 AND p.start_us >= k.until_us AND m.finest < {rung}
              AND m.kind IN ('numbers', 'squares')
            GROUP BY 1, 3, 4
            """
        )
    op.drop_table('pane_marks')
