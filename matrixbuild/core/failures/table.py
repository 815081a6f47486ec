"""What BuildKit, containerd, Go's network library, registries, git and the two programs say -> kinds of failure: the patterns, as data.

In their order the first that matches decides. They are told apart by the words of whoever raised the error, never by names of images, hosts or
files, which can hold anything: so most patterns contain a space, and those for HTTP take the whole status.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from matrixbuild.core.failure import FailureKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`match` is looked for in the words of a failure; `again` as in core.failure.Failure."""

    match: re.Pattern[str]
    kind: FailureKind
    again: bool | None = None
    hint: str = ""


def _rule(kind: FailureKind, *patterns: str, again: bool | None = None, hint: str = "") -> Rule:
    return Rule(match=re.compile("|".join(patterns), re.MULTILINE | re.IGNORECASE), kind=kind, again=again, hint=hint)


_DISK_HINT = "free space where the builder keeps its data, or lower what builds keep at once (schedule.limits.disk)"
_LOGIN_HINT = "log in to the registry with docker login, as the user who runs this, with the rights it takes"
_ADDRESS_HINT = "correct engine.builders: tcp://HOST:PORT of a BuildKit of the program's own line"

_PARSED = _rule(
    FailureKind.SYNTAX,
    # What the parser quotes can hold any word of the Earthfile, so this is looked at before everything else, at the beginning alone.
    r"\A(?:[^\n]*?: )?(?:lexer error\b|syntax error\b|(?:\d+ )?validation issues\b|no version specified in\b|parse (?:build )?args\b)",
    r"\A(?:[^\n]*?: )?pull ping error: .*frontend \(e\.g\. docker/podman\) not initialized",
)

_CONNECTION = (
    _rule(
        FailureKind.BUILDER,
        r"URL did not pass validation",
        r"^build new buildkitd client:\s+not available",
        r"could not determine buildkit address",
        r"no default buildkit address",
        r"TLS (?:CA file|certificate|private key) .* is missing",
        again=False,
        hint=_ADDRESS_HINT,
    ),
    _rule(
        FailureKind.BUILDER,
        r"exporter \"[^\"]*\" could not be found",
        r"unknown service moby\.buildkit",
        r"Frontend is not available to perform the build",
        again=False,
        hint="use the BuildKit that belongs to the program: the common one cannot do what it asks",
    ),
    _rule(
        FailureKind.BUILDER,
        # Words of gRPC and of the client about its one connection, to the daemon; registries are talked to in other words.
        r"error reading from server\b",
        r"\btransport is closing\b",
        r"\bclient connection is closing\b",
        r"\bcode = (?:Unavailable|Canceled)\b",
        r"\bUnavailable: connection error\b",
        r"\bcould not connect to buildkit\b",
        r"\bfailed to list workers\b",
        r"\bfailed to receive status\b",
        r"\bbuildkitd (?:did not respond|crashed|is shutting down)",
        r"\bbuildkitd (?:container )?did not (?:start|stop)\b",
        r"\bwaiting for other instance of earth\w* to start buildkitd\b",
        r"\bcontainer name \S+ is already in use\b",
        hint="look at the log of the builder",
    ),
)

_DISK = _rule(
    FailureKind.DISK,
    r"\bno space left on device\b",
    r"\bdisk quota exceeded\b",
    r"\bENOSPC\b",
    r"\bnot enough (?:free )?(?:disk )?space\b",
    hint=_DISK_HINT,
)

_TIMEOUT = _rule(
    FailureKind.TIMEOUT,
    r"\btimeout awaiting response headers\b",
    r"\bClient\.Timeout exceeded\b",
    r"\bdeadline exceeded\b",
    r"\bDeadlineExceeded\b",
    r"\bexceeded max duration\b",
)

_STATUS = r"(?:status(?: code)? [^\n]{0,1000}?|HTTP status(?: code)?|HTTP |returned error|answered|responded with)[: ]+"

_LIMITED = _rule(
    FailureKind.REGISTRY,
    r"\b429 Too Many Requests\b",
    r"\btoomanyrequests\b",
    r"\bpull rate limit\b",
    _STATUS + r"429\b",
)

_REGISTRY = _rule(
    FailureKind.REGISTRY,
    # A status is told by its text, or by words that only come before one: `:500` may as well be a port or a tag.
    r"\b5\d\d (?:Internal Server Error|Not Implemented|Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time-?out|Insufficient Storage)\b",
    r"\b408 Request Time-?out\b|\b425 Too Early\b",
    _STATUS + r"(?:5\d\d|408|425)\b",
)

_AUTH = (
    _rule(
        FailureKind.AUTH,
        r"\bunable to lookup secret\b",
        r"\bfailed to set secret\b",
        r"\bsecret \S+ (?:not found|is not set|is missing)\b",
        hint="declare the secret in spec.secrets, or give it its value",
    ),
    _rule(
        FailureKind.AUTH,
        r"\b401 Unauthorized\b|\b403 Forbidden\b|\b407 Proxy Authentication Required\b",
        _STATUS + r"(?:401|403|407)\b",
        r"\binsufficient_scope\b",
        r"\b(?:pull|push) access denied\b",
        r"\bauthorization failed\b",
        r"\bno basic auth credentials\b|\bmissing username or secret\b|\bincorrect username or password\b",
        r"\brequested access to the resource is denied\b",
        r"\bauthentication required\b|\bunauthorized: |: denied: ",
        r"\bno token in response\b|\bdid not include a token in the response\b",
        r"\berror getting credentials\b|\bexecutable file not found in \$PATH[^\n]*credential",
        hint=_LOGIN_HINT,
    ),
    _rule(
        FailureKind.AUTH,
        r"\bAuthentication failed for\b|\bcould not read (?:Username|Password) for\b",
        r"\bPermission denied \(publickey|\bHost key verification failed\b",
        r"\bno known_hosts? entr(?:y|ies) exist",
        r"\bRepository not found\b",
        hint="give git the rights to read that repository",
    ),
    _rule(
        FailureKind.AUTH,
        r"\bx509: |\bcertificate (?:signed by unknown authority|is not trusted|has expired)\b|\bself-signed certificate\b",
        r"\bremote error: tls: (?:bad|unknown) certificate",
        hint="let the builder trust the certificate of that server",
    ),
)

_WRONG_PROTOCOL = _rule(
    FailureKind.NETWORK,
    r"\bserver gave HTTP response to HTTPS client\b",
    r"\bfirst record does not look like a TLS handshake\b",
    again=False,
    hint="list that registry in network.insecure, and tell the builder that it speaks HTTP",
)

_DIGEST = _rule(
    FailureKind.REGISTRY,
    r"\bunexpected commit (?:digest|size)\b",
    r"\bfailed size validation\b",
    r"\bunexpected size \d+, expected \d+",
    r"\bgot digest \S+, expected\b",
    r"\bdigest (?:mismatch|invalid|did not match)|\bDIGEST_INVALID\b|\bSIZE_INVALID\b",
    r"\bnot a valid digest\b|\binvalid (?:content )?digest in response\b",
    r"\bnot a gzip file\b|\bgzip: invalid (?:header|checksum)\b|\bflate: corrupt input\b|\bmagic number mismatch\b|\binvalid tar header\b",
    r"\bunable to decode token response\b",
    r"\binvalid character '.{1,4}' looking for beginning of value\b",
    hint="what came from the registry is not what it promised: if that stays, the registry or a proxy before it is broken",
)

_NETWORK = _rule(
    FailureKind.NETWORK,
    r"\bdial (?:tcp|udp|unix)\b",
    r"\bconnection (?:refused|reset by peer|timed out|aborted)\b",
    r"\bno such host\b|\bserver misbehaving\b",
    r"\bi/o timeout\b|\bTLS handshake timeout\b",
    r"\bunexpected EOF\b|(?:^|: |\")EOF\b(?!, but)",
    r"\bbroken pipe\b",
    r"\bnetwork is (?:unreachable|down)\b|\bno route to host\b|\bhost is (?:unreachable|down)\b",
    r"\buse of closed network connection\b|\bserver closed (?:idle )?connection\b|\bserver sent GOAWAY\b|\bhttp2: [^\n]*(?:closed|lost|canceled)",
    r"\bproxyconnect tcp\b|\btransport connection broken\b|\bmalformed HTTP response\b",
    r"\bstream error: stream ID\b|\bcould not fetch content \S+ from remote: \(unknown\)|: no response\b",
    r"\bCould not resolve (?:host|hostname|proxy)\b|\bTemporary failure in name resolution\b|\bFailed to connect to\b",
    r"\bunable to access '[^']*': |\bRPC failed\b|\bearly EOF\b|\bthe remote end hung up unexpectedly\b",
    r"\bfailed to do request\b",
)

_DAEMON = (
    _rule(
        FailureKind.BUILDER,
        r"\bcontext canceled\b",
        r"\bno active sessions?\b",
        r"\binconsistent graph state\b",
        r"\breturn leaving (?:incoming|outgoing) open\b",
        r"\bparent snapshot \S+ does not exist\b|\bmissing descriptor handlers\b|\bblob not found\b",
        r"\bpull ping error\b|\bpush is on-going\b",
        r"\bmk temp dir for artifacts\b|\bunable to create dir \S*\.tmp-earth",
        r"\bpanic\b|\bruntime error\b|\bcannot allocate memory\b|\btoo many open files\b|\bread-only file system\b|\binput/output error\b",
        hint="look at the log of the builder",
    ),
    _rule(
        FailureKind.BUILDER,
        r"\bfailed to get state for index\b",
        again=False,
        hint="its cache lacks what its records name: let the builder start with an empty cache",
    ),
)

_PUSH = (
    _rule(
        FailureKind.PUSH,
        # An upload that had begun was lost, not refused.
        r"unexpected status from (?:PUT|PATCH) request to \S*/blobs/uploads/\S+: 404 Not Found",
        # docker-registry does not find a blob at the moment where somebody else pushes it, or mounts it, into the same repository.
        r"unexpected status from PUT request to \S*/manifests/\S+: 400 Bad Request",
        r"unexpected status from (?:PUT|POST|PATCH) request to [^\n]*\b(?:409 Conflict|416 Requested Range Not Satisfiable)\b",
    ),
    _rule(
        FailureKind.PUSH,
        r"\bfailed to push\b[^\n]*\b4\d\d [A-Z][a-z]",
        r"unexpected status from (?:PUT|POST|PATCH) request to [^\n]*\b4\d\d [A-Z][a-z]",
        again=False,
        hint="the registry refuses this image: look at its name, and at what that registry takes",
    ),
)

_SYNTAX = _rule(
    FailureKind.SYNTAX,
    r"\bnot found\b|\bdoes not exist\b|\bno such file or directory\b|\bcould not be resolved\b",
    r"\bno non-push commands allowed\b|\bwas already declared\b|\bdefined multiple times\b|\bdeclared twice\b",
    r"\bplatform (?:contradiction|incompatible)\b|\bno match for platform\b",
    r"\bvalue not supplied for required ARG\b|\bno value provided for\b|\bcannot be passed on the command line\b|\bbuild arg\b",
    r"\bno Earthfile nor build\.earth file found\b|\bEarthfile version is invalid\b|\bunexpected VERSION arguments\b|\bVERSION in Earthfile\b",
    r"\binvalid (?:reference format|target|artifact|argument|flag|syntax|octal|platform|image name)|\bunknown (?:flag|command|instruction)\b",
    r"\bfailed to parse\b|\bparse error\b|\bparse \S+ \S+: |\bdockerfile parse error\b",
    r"\bnot (?:yet )?supported\b|\bunsupported\b|\bnot permitted\b|\bnot allowed\b|\bis required\b|\brequires (?:the|a|at least)\b",
    r"\bmust (?:be|start|have)\b|\bcannot (?:be|use|save|have|override|FROM|find|contain)\b|\binfinite cycle\b|\bdoes not match\b",
    r"\b4(?:00|04|05|10) (?:Bad Request|Not Found|Method Not Allowed|Gone)\b",
    r"\bfailed to (?:expand|resolve|join|find)\b|\bno such (?:directory|target)\b|\bexpected \S+ but got\b",
)

MESSAGES: tuple[Rule, ...] = (
    _PARSED,
    *_CONNECTION,
    _DISK,
    _TIMEOUT,
    _LIMITED,
    _REGISTRY,
    *_AUTH,
    _WRONG_PROTOCOL,
    _DIGEST,
    *_PUSH,
    _NETWORK,
    *_DAEMON,
    _SYNTAX,
)
"""For messages of the programs themselves."""

LIMITED = _LIMITED


def _output(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.MULTILINE)


# What programs in a RUN print, in the words of Linux, of shells, and of what fetches things.

STEP_DISK = _output(r"(?i:no space left on device|disk quota exceeded|(?:not|n.t) have enough free space)", r"\bENOSPC\b|\bos error 28\b")

STEP_MEMORY = _output(
    # A shell tells of its child that was killed, by itself or after its own name and line.
    r"^(?:\S*:? ?(?:line \d+: *)?)?(?:\d+ )?Killed(?: |$)",
    r"(?i:cannot allocate memory|out of memory|virtual memory exhausted|memory exhausted)",
    r"\bOutOfMemoryError\b|^MemoryError\b|\bstd::bad_alloc\b",
    r"(?i:signal: killed|killed \(program |killed signal terminated|signal: 9, SIGKILL)",
    r"\bos error 12\b",
)

STEP_NETWORK = _output(
    r"(?i:could not resolve (?:host|hostname|proxy|')|temporary failure (?:in name resolution|resolving)|name or service not known|bad address ')",
    r"(?i:unable to resolve host|unknown host\b|no such host\b|no address associated with hostname)",
    r"(?i:connection (?:refused|reset(?: by peer)?|timed out|aborted|broken)|failed to connect to|can't connect to remote host|could not connect to)",
    r"(?i:network is unreachable|no route to host|host is unreachable|operation timed out|read timed out|download timed out)",
    r"(?i:i/o timeout|tls handshake timeout|unexpected eof|early eof|server closed connection|remote end hung up unexpectedly)",
    r"(?i:rpc failed|broken pipe \(os error|failed to download metadata|timeout was reached)",
    r"\bHash Sum mismatch\b|\bUnable to fetch some archives\b",
    r"(?i:returned error: (?:429|5\d\d)|error 5\d\d:|\b429 too many requests\b)",
    r"(?i:\b50[0-4] +(?:internal server error|bad gateway|service (?:temporarily )?unavailable|gateway time-?out)\b)",
    r"\bcurl: \((?:5|6|7|16|18|28|35|52|55|56|92)\)",
)
