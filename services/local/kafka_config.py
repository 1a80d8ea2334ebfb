"""What a single Apache Kafka node is told: quick to start, small, loopback only, topics made on purpose."""

from dataclasses import dataclass
from pathlib import Path

from services.local.ports import LOOPBACK

#: An event of 64 KiB with its headers in batches of any useful size; the limit design section 9 states.
_MESSAGE_MAX_BYTES = 1_048_588


@dataclass(frozen=True, slots=True)
class KafkaPorts:
    """The two ports of a node that is broker and controller in one."""

    broker: int
    controller: int


def server_properties(*, ports: KafkaPorts, data: Path) -> str:
    """The configuration file of the node."""
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{ports.controller}",
        "listeners": f"BROKER://{LOOPBACK}:{ports.broker},CONTROLLER://{LOOPBACK}:{ports.controller}",
        "advertised.listeners": f"BROKER://{LOOPBACK}:{ports.broker}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "message.max.bytes": str(_MESSAGE_MAX_BYTES),
        "log.retention.ms": "-1",
        "num.io.threads": "2",
        "num.network.threads": "2",
        "background.threads": "2",
        "num.recovery.threads.per.data.dir": "2",
        "log.cleaner.dedupe.buffer.size": "4194304",
        "group.initial.rebalance.delay.ms": "0",
        # A node killed outright may come back only when its old session has ended: 9 s by default, which
        # made a restart after kill -9 take 12 s.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "1000",
        # aiokafka's default session timeout of 10 s stays legal, and so do the short ones of fault tests.
        "group.min.session.timeout.ms": "1000",
    }
    return "".join(f"{key}={value}\n" for key, value in {**lines, **_internal_topics()}.items())


def _internal_topics() -> dict[str, str]:
    """One replica, because there is one node; few partitions, because each is a file to open at start."""
    return {
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "2",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
    }


def logging_properties(log: Path) -> str:
    """The log4j configuration: one file that rolls at 10 MB; without it Kafka logs nothing at all."""
    return f"""status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{ISO8601}} %p %c{{1}} %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""


#: Measured on two cores, Kafka 4.4.0, Java 17, 250-byte records in batches: with the first compiler only,
#: ready in 1.9 s instead of 2.4 s and 3.5 us of CPU per record instead of 5 to 10 us in the first million.
JAVA_FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
