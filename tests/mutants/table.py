"""The guards that numbers hang on, how each is broken, and the cheapest tests that have to notice."""

from dataclasses import dataclass

POSITIONS = "shared/storage/positions.py"
SESSIONS = "services/compute/sessions.py"
OWNERSHIP = "services/compute/ownership.py"
SORTING = "services/compute/corrections/sorting.py"
FOLD = "shared/domain/fold.py"
SEEN = "shared/domain/seen.py"

LIVES = "tests/simulation/test_simulation.py::test_any_life"
POSITION_TESTS = "tests/integration/test_positions.py"
EXPLANATIONS = "tests/integration/test_explanations.py"
DERIVING = "tests/integration/test_deriving.py"
EDGES = "tests/integration/test_reading_edges.py"
HIDDEN_TARGETS = "tests/unit/security/test_hidden_targets.py"
SEEN_TESTS = "tests/unit/domain/test_seen.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A guard, broken.

    Attributes:
        old: replaced wherever it stands in *file*.
        tests: those of which one has to fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    # Counting exactly once.
    Mutant("compare-epoch", POSITIONS, "p.epoch = a.epoch AND ", "", (POSITION_TESTS,)),
    Mutant("compare-offset", POSITIONS, "p.next_offset = a.from_offset", "true", (POSITION_TESTS,)),
    Mutant("compare-revision", POSITIONS, "p.revision <= a.revision", "true", (POSITION_TESTS,)),
    Mutant("refuse-the-fenced", POSITIONS, "    if lost:", "    if len(lost) > 1:", (POSITION_TESTS,)),
    Mutant("raise-the-epoch", POSITIONS, "epoch = epoch + 1,", "epoch = epoch,", (POSITION_TESTS,)),
    Mutant(
        "stage-before-locks",
        "services/compute/flushing.py",
        "        staged = await writing.stage(rows)\n        await writing.move(work.moves)\n",
        "        await writing.move(work.moves)\n        staged = await writing.stage(rows)\n",
        ("tests/unit/compute/test_flushing.py",),
    ),
    Mutant(
        "move-before-panes",
        "services/compute/flushing.py",
        "        await writing.move(work.moves)\n",
        "",
        ("tests/unit/compute/test_flushing.py",),
    ),
    # What comes twice.
    Mutant(
        "seen-before", SEEN, "            fresh &= ~table.holds(ids)\n", "            pass\n", (SEEN_TESTS,)
    ),
    Mutant(
        "seen-in-the-batch",
        SEEN,
        "    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)\n",
        "",
        (SEEN_TESTS,),
    ),
    Mutant(
        "remember-at-a-take-over",
        OWNERSHIP,
        "        memory.seen.add(*_placed(chosen))\n",
        "",
        ("tests/unit/compute/test_ownership.py",),
    ),
    # Partitions that come and go.
    Mutant(
        "kept-only-if-untouched",
        OWNERSHIP,
        "(parted.epoch + 1, parted.next_offset) != (position.epoch, position.next_offset)",
        "parted.next_offset > position.next_offset",
        ("tests/integration/test_counting_takeover.py",),
    ),
    Mutant(
        "kept-only-if-sound",
        OWNERSHIP,
        "if owned is not None and owned.is_sound:",
        "if owned is not None:",
        (LIVES,),
    ),
    Mutant(
        "go-on-where-it-stands",
        OWNERSHIP,
        "            self.consumer.seek(at.topic, at.partition, owned.next_offset)\n",
        "            self.consumer.seek(at.topic, at.partition, max(owned.next_offset - 1, 0))\n",
        (LIVES,),
    ),
    Mutant(
        "old-batches-are-dropped",
        SESSIONS,
        "        if generation != self.ownership.generation or self.ownership.is_leaving or work is None:\n",
        "        if work is None or not self.ownership.owned:\n",
        ("tests/unit/compute/test_workers.py",),
    ),
    Mutant(
        "nothing-counted-after-a-rebalance",
        SESSIONS,
        "        if generation != self.ownership.generation:\n            return\n",
        "",
        ("tests/unit/compute/test_workers.py",),
    ),
    # Panes.
    Mutant(
        "edge-of-an-age", FOLD, "(ages < oldest)", "(ages <= oldest)", ("tests/unit/domain/test_fold.py",)
    ),
    Mutant(
        "edge-of-a-pane",
        "shared/storage/pane_sum_answers.py",
        "p.start_us < s.end_us",
        "p.start_us <= s.end_us",
        (EDGES,),
    ),
    Mutant(
        "shards-are-merged",
        "shared/storage/pane_sum_answers.py",
        "SELECT sum(p.n) AS n,",
        "SELECT max(p.n) AS n,",
        (EDGES,),
    ),
    Mutant(
        "days-of-the-zone",
        FOLD,
        "        return calendar.day_starts(times_us)\n",
        "        return times_us - times_us % LENGTH_US[rung]\n",
        ("tests/unit/domain/test_fold.py",),
    ),
    # Aggregates.
    Mutant(
        "ties-of-first-and-last",
        "shared/domain/columns.py",
        "np.lexsort((self.value, self.key_low, self.key_high, self.time_us, runs))",
        "np.lexsort((self.time_us, runs))",
        ("tests/unit/domain/test_fold.py",),
    ),
    Mutant(
        "exact-up-to",
        "shared/domain/sketches/distinct.py",
        "len(present) <= EXACT_UP_TO:",
        "len(present) < EXACT_UP_TO:",
        ("tests/unit/domain/test_sketches.py",),
    ),
    # Corrections.
    Mutant(
        "retracted-before",
        SORTING,
        "    known = memory.retracted.holds(ids[events])\n",
        "    known = np.zeros(len(events), dtype=np.bool_)\n",
        ("tests/unit/compute/test_retractions.py",),
    ),
    Mutant(
        "retracted-once",
        SORTING,
        "retractions[memory.retracted.fresh(ids[retractions])]",
        "retractions",
        ("tests/unit/compute/test_retractions.py",),
    ),
    Mutant(
        "remember-retractions-at-a-take-over",
        OWNERSHIP,
        "    memory.retracted.add(ids_from_bytes(retracted))\n",
        "",
        (LIVES,),
    ),
    Mutant(
        "undo-once",
        "services/compute/corrections/undoing.py",
        "    if await retractions.settle(connection, settlement.partition, undone) != undone.keys():\n",
        "    if await retractions.settle(connection, settlement.partition, undone) - undone.keys():\n",
        ("tests/integration/test_correction_transactions.py",),
    ),
    Mutant(
        "undo-only-what-counted",
        "services/compute/corrections/undoing.py",
        " if coverage.counts(number, one.offset)]",
        "]",
        ("tests/integration/test_correction_transactions.py", "tests/integration/test_backfills.py"),
    ),
    # Backfills.
    Mutant(
        "backfill-fence",
        "shared/storage/backfill_cursors.py",
        " AND epoch = $3 AND next_offset = $4",
        " AND epoch >= $3 AND next_offset >= $4",
        ("tests/integration/test_backfills.py",),
    ),
    Mutant(
        "hand-over-offset",
        "shared/storage/backfill_cursors.py",
        "    SELECT b.backfill_id, l.partition, min(a.from_offset) AS until_offset,\n",
        "    SELECT b.backfill_id, l.partition, min(a.from_offset) - 1 AS until_offset,\n",
        ("tests/integration/test_backfills.py",),
    ),
    Mutant(
        "backfills-leave-out-the-skipped",
        "services/compute/backfill/filling.py",
        "np.array([*silent, *undone], dtype=np.int64)",
        "np.array([*undone], dtype=np.int64)",
        ("tests/integration/test_backfills.py",),
    ),
    # Coarser panes made of finer ones.
    Mutant(
        "marks-rest-while-writing",
        "shared/storage/panes.py",
        "        await pane_marks.check(connection, staged.rows.marks)\n",
        "        pass\n",
        (DERIVING,),
    ),
    Mutant(
        "derived-once",
        "shared/storage/pane_marks.py",
        "p.start_us >= $4 AND p.start_us < $5",
        "p.start_us >= $4 AND p.start_us <= $5",
        (DERIVING,),
    ),
    Mutant(
        "read-what-is-there",
        "shared/storage/pane_looks.py",
        "for part in there(span, finest, self.until_us)]",
        "for part in (span,)]",
        (DERIVING,),
    ),
    Mutant(
        "repairs-are-handed-on",
        "shared/storage/pane_marks.py",
        "    await connection.execute(_MARK_REPAIRS, *asked, sorted(PLAIN_KINDS))\n",
        "",
        (DERIVING,),
    ),
    Mutant(
        "derive-before-writing",
        "services/compute/postgres_store.py",
        "        if are_stale(marks, self.now_us()):\n",
        "        if False:\n",
        (DERIVING,),
    ),
    Mutant(
        "kept-until-derived",
        "shared/storage/panes.py",
        "least($2, (SELECT min(until_us) FROM pane_marks WHERE rung = $1::smallint + 1))",
        "$2",
        (DERIVING,),
    ),
    # Why a value is what it is.
    Mutant(
        "explanations-leave-out-the-silent",
        "shared/replay/sifting.py",
        "self._count(part, own, is_there & ~is_silent)",
        "self._count(part, own, is_there)",
        (EXPLANATIONS,),
    ),
    Mutant(
        "explanations-are-of-one-series",
        "shared/replay/candidates.py",
        "if text in names]",
        "]",
        (EXPLANATIONS,),
    ),
    Mutant(
        "pages-hold-still",
        "shared/replay/explaining.py",
        "if offsets is None else offsets",
        "if offsets is not None else await counted_offsets(connection)",
        (EXPLANATIONS,),
    ),
    Mutant(
        "pages-tell-that-they-moved",
        "shared/replay/listing.py",
        "        raise EventsMovedError\n",
        "        pass\n",
        (EXPLANATIONS,),
    ),
    Mutant(
        "explanations-hide-what-is-hidden",
        "services/api/routes/explanations.py",
        "for one, each in told.parts if each.slug in visible}",
        "for one, each in told.parts}",
        (EXPLANATIONS,),
    ),
    Mutant(
        "explanations-tell-drift",
        "shared/replay/explaining.py",
        "return agree(self.answer[1].partial, self.sift.partial)",
        "return self.answer[1].partial.n == self.sift.partial.n",
        (EXPLANATIONS,),
    ),
    # What is seen of events, and what they must keep to.
    Mutant(
        "wait-for-schemas",
        "services/ingest/pipeline.py",
        "                await self.outlets.schemas.known(stopping)\n",
        "",
        ("tests/unit/ingest/test_schemas.py",),
    ),
    Mutant(
        "hashes-of-persons",
        "shared/domain/observations/fields.py",
        "low=None, high=None, decimals=0, distinct=Distinct(), ",
        "",
        ("tests/unit/observations/test_types.py",),
    ),
    Mutant(
        "observe-once",
        "shared/storage/observation_news.py",
        "WHERE topic = :topic AND next_offset = :since",
        "WHERE topic = :topic",
        ("tests/integration/test_event_types.py::test_moved_on",),
    ),
    # What several scores come to, and who hears what was said.
    Mutant(
        "leave-out-the-unscored",
        "shared/domain/scores.py",
        "Total(found, worst[0], covered / weight)",
        "Total(found * covered / weight, worst[0], covered / weight)",
        ("tests/unit/domain/test_scores.py",),
    ),
    Mutant(
        "weights-begin-with-their-day",
        "shared/domain/definitions/weights.py",
        "if each.from_day <= day.isoformat()",
        "if each.from_day < day.isoformat()",
        ("tests/unit/domain/test_weights.py",),
    ),
    Mutant(
        "flights-of-one-moment",
        "services/api/single_flights.py",
        "if flight.began_s <= oldest_s]",
        "if flight.began_s < 0]",
        ("tests/unit/api/test_single_flights.py",),
    ),
    Mutant(
        "scores-of-what-is-seen",
        "services/api/score_subjects.py",
        "kpis = visible_kpis(catalogue).values()",
        "kpis = catalogue.kpis.values()",
        ("tests/integration/test_scores.py::test_what_is_hidden",),
    ),
    Mutant(
        "annotations-of-what-is-seen",
        "services/api/routes/annotations.py",
        "if kpis is not None and visible_kpis(catalogue).keys().isdisjoint(kpis):",
        "if kpis == ():",
        ("tests/integration/test_annotations.py::test_what_is_hidden",),
    ),
    # Histories, files, freshness, changes.
    Mutant(
        "buckets-are-whole",
        "shared/domain/steps.py",
        "    if at_us < start_us:\n",
        "    if at_us < 0:\n",
        ("tests/unit/domain/test_steps.py",),
    ),
    Mutant(
        "carried-only-if-asked",
        "shared/domain/gaps.py",
        "if value is not None and fill is Fill.CARRY:",
        "if value is not None:",
        ("tests/unit/domain/test_gaps.py",),
    ),
    Mutant(
        "no-formulas-in-csv",
        "services/api/exports/csv_files.py",
        """return f"'{text}" if text.startswith(_FORMULA) else text""",
        "return text",
        ("tests/unit/api/test_exports.py::test_formulas",),
    ),
    Mutant(
        "patience-of-the-shortest-window",
        "shared/domain/freshness.py",
        "timedelta(microseconds=min(lengths))",
        "timedelta(microseconds=max(lengths))",
        ("tests/unit/domain/test_freshness.py",),
    ),
    Mutant(
        "no-shares-of-no-quotient",
        "shared/domain/contributions.py",
        "return isinstance(shape, Linear) or bool(whole.then.below and whole.now.below)",
        "return True",
        ("tests/unit/domain/test_contributions.py::test_no_quotient_no_shares",),
    ),
    Mutant(
        "parts-that-come-have-no-rate",
        "shared/domain/contributions.py",
        "if not (part.then.below and part.now.below):",
        "if part.then.below < 0:",
        ("tests/unit/domain/test_contributions.py::test_a_part_that_comes",),
    ),
    # Definitions written, and what is told of those that are hidden.
    Mutant(
        "hidden-targets",
        "services/api/security/redactions.py",
        "    return UNSEEN\n",
        "    return judgement\n",
        (HIDDEN_TARGETS,),
    ),
    Mutant(
        "hidden-targets-in-streams",
        "services/api/streaming/streams.py",
        "_change(catalogue, row, UNSEEN)",
        "_change(catalogue, row, judgement)",
        (HIDDEN_TARGETS,),
    ),
    Mutant(
        "hidden-targets-of-periods",
        "services/api/pacing.py",
        "if not wish.is_additive or judgement.source is None:",
        "if not wish.is_additive:",
        (HIDDEN_TARGETS,),
    ),
    Mutant(
        "hidden-targets-in-metrics",
        "services/api/kpi_gauges.py",
        " if slug not in discreet]",
        "]",
        (HIDDEN_TARGETS,),
    ),
    # Who is let in, and what they see.
    Mutant(
        "undeclared-is-refused",
        "services/api/security/scopes.py",
        "    if not wanted:\n        raise UndeclaredScopeError\n",
        "",
        ("tests/unit/security/test_scopes.py",),
    ),
    Mutant(
        "scopes-are-wanted",
        "services/api/security/scopes.py",
        "if scopes.isdisjoint(principal_of(request).scopes):",
        "if not principal_of(request).scopes:",
        ("tests/unit/security/test_scopes.py",),
    ),
    Mutant(
        "revoked-in-time",
        "shared/access/keyring.py",
        "TRUSTED_S = 4.0",
        "TRUSTED_S = 400.0",
        ("tests/integration/test_access.py::test_revoked_everywhere",),
    ),
    Mutant(
        "old-secrets-end",
        "shared/domain/access/tokens.py",
        "return is_newest or (is_earlier and overlaps)",
        "return is_newest or is_earlier",
        ("tests/unit/security/test_tokens.py",),
    ),
    Mutant(
        "insecure-on-loopback-only",
        "shared/access/settings.py",
        'if value and not is_loopback(info.data.get("http_host")):',
        'if value and info.data.get("http_host") is None:',
        ("tests/unit/security/test_insecure_local.py",),
    ),
    Mutant(
        "tokens-are-for-us",
        "shared/domain/access/claims.py",
        'if expected.audience not in _listed(claims, "aud"):',
        'if not _listed(claims, "aud"):',
        ("tests/integration/test_oidc.py::test_forged",),
    ),
    Mutant(
        "limited-tokens-are-no-admins",
        "shared/domain/access/claims.py",
        "return scopes if limits.is_everything else scopes - {Scope.ADMIN}",
        "return scopes",
        ("tests/unit/security/test_claims.py",),
    ),
    Mutant(
        "tokens-without-limits-see-nothing",
        "shared/domain/access/claims.py",
        "found = frozenset(_listed(claims, name))\n",
        "found = frozenset(_listed(claims, name))\n    if not found:\n        return None\n",
        ("tests/unit/security/test_claims.py::test_limits",),
    ),
    Mutant(
        "withdrawn-keys-end-their-proofs",
        "shared/access/oidc/key_caches.py",
        "return self._trusted().get(name) is key",
        "return bool(self._trusted())",
        ("tests/integration/test_oidc.py::test_withdrawn",),
    ),
    Mutant(
        "issuers-are-not-trusted-for-ever",
        "shared/access/oidc/key_caches.py",
        "return self._keys if self._now_s() - self._loaded_s < TRUSTED_S else {}",
        "return self._keys",
        ("tests/integration/test_oidc.py::test_issuer_away",),
    ),
    Mutant(
        "keys-lie-where-the-issuer-is",
        "shared/access/oidc/issuers.py",
        " or origin_of(found) != self._jwks_origin:",
        ":",
        ("tests/integration/test_oidc.py::test_hostile_issuers",),
    ),
    Mutant(
        "events-of-others-are-not-counted-again",
        "services/api/security/writes.py",
        "counted = {kpi.event_type for kpi in visible.values()} | {None}",
        "counted = {kpi.event_type for kpi in catalogue.kpis.values()} | {None}",
        ("tests/integration/test_limited_writes.py::test_nothing_hidden_is_touched",),
    ),
    Mutant(
        "seen-in-part-stays",
        "services/api/defining.py",
        "    check_whole(found, seen_by(writing.before, limits))\n",
        "",
        ("tests/integration/test_limited_writes.py::test_seen_in_part",),
    ),
    Mutant(
        "retired-names-of-others-are-taken",
        "services/api/defining.py",
        "is_of_others = retired is not None and not limits.allows(retired)",
        "is_of_others = False",
        ("tests/integration/test_limited_writes.py::test_nothing_hidden_is_touched",),
    ),
    Mutant(
        "hidden-is-hidden",
        "services/api/security/views.py",
        "found = visible_kpis(catalogue).get(slug)",
        "found = catalogue.kpis.get(slug)",
        ("tests/unit/security/test_hidden_kpis.py::test_as_if_there_were_none",),
    ),
    Mutant(
        "entries-are-chained",
        "shared/domain/audits.py",
        "hashlib.sha256(previous + msgspec.json.encode(parts))",
        "hashlib.sha256(msgspec.json.encode(parts))",
        ("tests/integration/test_audit.py::test_an_entry_with_a_hash_of_its_own",),
    ),
)
