"""What a build depends on: the ARGs that can change it, and the files that it reads, on every branch that it may take."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.analysis import Edge, Source
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.findings import EdgeKind, Guard
from tests.core.earthfile.analysing import analysed, opaque, used

HEAD = "VERSION 0.8\nFROM alpine:3.20\nmain:\n"


def test_an_arg_is_used_where_the_text_of_a_run_names_it() -> None:
    text = HEAD + "  ARG A\n  ARG B\n  ARG C\n  RUN echo $A\n  RUN B= make\n  RUN echo ABC XC\n"
    found = analysed(text)
    assert {use.name: use.place.line for use in found.used} == {"A": 7, "B": 8}
    assert found.unused == ("C",)


@pytest.mark.parametrize(
    "command",
    [
        'IF [ "$A" = 1 ]\n    RUN true\n  END',
        'IF [ -f "$A" ]\n    LET x=1\n  END',
        "FOR x IN a $A\n    RUN echo $x\n  END",
        "FOR x IN $(cat $A)\n    LET y=1\n  END",
        "FROM $A/b",
        "COPY ./$A /",
        "ENV X=$A",
        "WORKDIR $A",
        'LET x="$(cat $A)"',
        "LET x=$A\n  RUN echo $x",
        'LET x=1\n  SET x="$A"\n  RUN echo $x',
        "RUN --mount=type=cache,target=/x,id=$A make",
        "RUN --secret A=x make",
        "BUILD --platform=linux/$A +other",
        "DO +F --P=$A",
        "COPY (+other/x --P=$A) /x",
        "SAVE ARTIFACT /x/$A",
        "SAVE ARTIFACT /x AS LOCAL $A/x",
        "GIT CLONE https://example.com/$A.git /src",
        "FROM example.com/org/repository+t --P=$A",
        "WITH DOCKER --pull alpine:$A\n    RUN docker images\n  END",
        "WITH DOCKER --load x:$A=+other\n    RUN docker images\n  END",
    ],
)
def test_an_arg_is_used_by(command: str) -> None:
    text = HEAD + f"  ARG A=arm64\n  {command}\nother:\n  ARG P\n  RUN echo $P >x\n  SAVE ARTIFACT x\nF:\n  FUNCTION\n  ARG P\n  RUN echo $P\n"
    files = {"arm64": "", "x": ""}
    assert "A" in used(text, files=files)
    assert "A" in used(text, files={**files, "s390x": ""}, args={"A": "s390x"})


@pytest.mark.parametrize(
    "text",
    [
        "  RUN env\n",
        "  RUN env | sort\n",
        "  RUN printenv\n",
        "  RUN export -p >x\n",
        "  RUN envsubst <x\n",
        '  RUN x=1; echo "${!x}"\n',
        "  RUN (set; true)\n",
        '  RUN bash -c "declare"\n',
        "  RUN typeset | sort\n",
        "  RUN compgen -A variable\n",
        "  RUN cat /proc/self/environ\n",
        '  IF [ "$(env)" = x ]\n    RUN true\n  END\n',
        "  RUN env -u HOME --null -- >x\n",
        "  RUN sh -c set >x\n",
        "  RUN bash -ec export >x\n",
        "  RUN if set | grep -q x; then true; fi\n",
        "  RUN ! export | grep x\n",
        "  RUN cat /proc/self/env*\n",
        "  RUN jq -n '$ENV' >x\n",
        "  RUN make -pn | grep .VARIABLES\n",
    ],
)
def test_what_reads_the_whole_environment_uses_every_active_arg(text: str) -> None:
    found = analysed(HEAD + "  ARG A\n" + text + "  ARG later\n  SAVE IMAGE x:$A\n")
    assert found.used_names == {"A"}
    assert found.name_only == ()


@pytest.mark.parametrize(
    "text",
    [
        """n=Y; sh -c "echo \\$X_$n" """,
        """n=Y; echo "echo \\${X_$n}" | sh""",
        "n=Y; eval echo '$'X_$n",
        "make 'all=$(X_$(n))'",
        "python -c 'import os; print(os.environ[\"X_\" + n])'",
        "python -c 'import os; print(os.environ.get(f\"X_{n}\"))'",
        "python -c 'import os; print(os.getenv(n))'",
        "node -e 'console.log(process.env[n], process.env.HOME)'",
        "awk 'BEGIN { print ENVIRON[\"X_\" n] }'",
        "perl -e 'print $ENV{$n}'",
        "ruby -e 'puts ENV[\"X_#{n}\"]'",
        "ruby -e 'puts ENV.fetch(n)'",
        "echo 'println!(env::var(name))' >x.rs",
    ],
)
def test_a_name_that_is_put_together_may_be_that_of_any_active_arg(text: str) -> None:
    assert used(HEAD + f"  ARG X_Y\n  RUN {text}\n") == {"X_Y": 5}


@pytest.mark.parametrize(
    "text",
    [
        "/usr/bin/env -S bash x",
        "echo 'use it if set' >x",
        "python -c 'import os; print(os.environ[\"X\"], os.environ.get(\"X\", 1), os.getenv(\"X\"))'",
        'python -c "import os; print(os.environ[\\"X\\"])"',
        "node -e 'console.log(process.env.X, process.env[\"X\"])'",
        "awk 'BEGIN { print ENVIRON[\"X\"] }'",
        "perl -e 'print $ENV{X}'",
        "ruby -e 'puts ENV[\"X\"] + ENV.fetch(\"X\", 1)'",
        'echo "\\$X" "${X}"',
        "jq -n '$ENV.X'",
    ],
)
def test_a_name_that_is_written_out_is_no_other(text: str) -> None:
    assert used(HEAD + f"  ARG A\n  RUN {text}\n") == {}


@pytest.mark.parametrize("text", ["/usr/bin/env bash x", "env X=1 make", "set -e", "export X=1", "printenv X", "declare -i x=1", "declare x"])
def test_what_only_looks_like_it_does_not(text: str) -> None:
    assert used(HEAD + f"  ARG A\n  RUN {text}\n") == {}


@pytest.mark.parametrize(
    "text",
    [
        "  RUN echo 'env | sort' >/tell.sh\n  ARG A\n  RUN sh /tell.sh\n",
        "  RUN printf 'set\\n' | tee /tell.sh\n  ARG A\n  RUN sh /tell.sh\n",
        '  ENTRYPOINT ["env"]\n  ARG A\n  RUN --entrypoint >/told\n',
        "  FROM DOCKERFILE .\n  ARG A\n  RUN --entrypoint >/told\n",
    ],
)
def test_what_is_written_may_read_the_whole_environment_where_it_is_run(text: str) -> None:
    assert set(used(f"{HEAD}{text}", files={"Dockerfile": 'FROM alpine\nENTRYPOINT ["printenv"]\n'})) == {"A"}


@pytest.mark.parametrize("text", ["env", "env >/told", "set", "if set | grep X; then true; fi"])
def test_what_reads_it_and_writes_no_script_reads_no_arg_that_is_declared_later(text: str) -> None:
    assert used(f"{HEAD}  RUN {text}\n  ARG A\n  RUN x\n") == {}


def test_declared_is_what_the_call_can_give() -> None:
    """Earthly hands what the command line gives neither to another Earthfile nor to a function, but to the globals of a function's Earthfile."""
    text = """
        VERSION 0.8
        IMPORT ./other
        FROM alpine
        ARG --global G
        main:
          ARG A
          BUILD +here
          BUILD other+there --T=$A
          DO other+F --P=$A
          DO --pass-args +H
        here:
          ARG B
          RUN echo $B
        H:
          FUNCTION
          ARG Q
          RUN echo $Q
    """
    other = """
        VERSION 0.8
        ARG --global O
        FROM alpine
        there:
          ARG T
          ARG U
          RUN echo $T $U
        F:
          FUNCTION
          ARG P
          ARG R
          RUN echo $P $R $O
    """
    for given in ({}, dict.fromkeys("ABGOPQRTU", "1")):
        found = analysed(text, files={"other/Earthfile": other}, args=given)
        assert found.declared == {"A", "B", "G", "O", "Q"}


def test_a_built_in_is_no_arg_that_nobody_uses() -> None:
    found = analysed(HEAD + "  ARG EARTHLY_GIT_HASH\n  ARG EARTHLY_VERSION\n  RUN echo $EARTHLY_GIT_HASH\n")
    assert (found.used, found.unused) == ((), ())
    assert [each.why for each in found.opaque] == [
        "EARTHLY_GIT_HASH tells of a git repository, and is empty where it is built: the checkout of a build has no .git",
        "EARTHLY_VERSION is known only while it is built",
    ]


def test_variables_that_programs_read_by_custom_need_no_mention() -> None:
    assert used(HEAD + "  ARG HTTP_PROXY\n  ARG no_proxy\n  ARG OTHER\n  RUN make\n") == {"HTTP_PROXY": 7, "no_proxy": 7}
    assert used(HEAD + "  ARG KUBECONFIG\n  ARG GRADLE_OPTS\n  ARG AWS_REGION\n  RUN make\n") == {"KUBECONFIG": 7, "GRADLE_OPTS": 7, "AWS_REGION": 7}


@pytest.mark.parametrize(
    "text",
    [
        '  ENTRYPOINT ["sh", "-c", "echo $A"]\n  RUN --entrypoint\n',
        '  IF x\n    ENTRYPOINT ["echo", "$A"]\n  ELSE\n    ENTRYPOINT y\n  END\n  RUN --entrypoint -- x\n',
        '  FROM +other\n  ARG A\n  RUN --entrypoint\nother:\n  ENTRYPOINT ["sh", "-c", "echo $A"]\n',
    ],
)
def test_a_run_of_the_entrypoint_may_read_what_that_names(text: str) -> None:
    assert set(used(f"{HEAD}  ARG A\n  ARG B\n{text}".replace("  ARG A\n  ARG B\n  FROM", "  FROM"))) == {"A"}


def test_a_file_that_a_target_copies_names_what_its_commands_may_read() -> None:
    text = """
        VERSION 0.8
        FROM alpine
        ARG --global A
        ARG --global B
        ARG --global C
        scripts:
          COPY run.sh /
          SAVE ARTIFACT run.sh
        base-image:
          COPY other.sh /
        main:
          FROM +base-image
          COPY +scripts/run.sh /
          RUN ./run.sh
        without:
          COPY run.sh /
    """
    files = {"run.sh": "echo $A\n", "other.sh": "#!/usr/bin/env sh\necho ${B}\n"}
    found = analysed(text, files=files)
    assert [(use.name, use.place.line, use.file) for use in found.used] == [("A", 14, "run.sh"), ("B", 14, "other.sh")]
    assert used(text, "without", files=files) == {}
    assert set(used(text, files={**files, "run.sh": "env >/out\n"})) == {"A", "B", "C"}
    assert set(used(text, files={**files, "run.sh": "# prints its env\n# one is set\necho what is not set\n"})) == {"B"}
    assert set(used(text, files={**files, "run.sh": "if true; then\n  set | sort\nfi\n"})) == {"A", "B", "C"}


# What only names an image --------------------------------------------------------


NAMED = """
    VERSION --arg-scope-and-set --shell-out-anywhere 0.6
    FROM alpine
    ARG REGISTRY=r.example.com
    ARG CUSTOM_TAG
    ARG VERSION=v1
    ARG OTHER
    IF [ "$CUSTOM_TAG" != "" ]
      ARG IMAGE_TAG=$VERSION-$CUSTOM_TAG
    ELSE
      ARG IMAGE_TAG=$VERSION
    END
    main:
      RUN make
      SAVE IMAGE --push $REGISTRY/x:$IMAGE_TAG
    main-told:
      RUN make IMAGE_TAG=x
      SAVE IMAGE --push $REGISTRY/x:$IMAGE_TAG
"""


def test_an_if_that_only_sets_what_names_an_image_is_no_use() -> None:
    found = analysed(NAMED, args={"CUSTOM_TAG": "mine"})
    assert found.used == ()
    assert found.name_only == ("CUSTOM_TAG", "IMAGE_TAG", "REGISTRY", "VERSION")
    assert found.unused == ("OTHER",)
    assert [image.names for image in found.images] == [("r.example.com/x:v1-mine",)]
    without = analysed(NAMED)
    assert [image.names for image in without.images] == [("r.example.com/x:v1",)]
    assert found.commands == without.commands


def test_and_it_is_one_where_what_it_sets_is_used() -> None:
    assert set(used(NAMED, "main-told", args={"CUSTOM_TAG": "mine"})) == {"CUSTOM_TAG", "IMAGE_TAG", "VERSION"}
    assert set(used(NAMED, "main-told")) == {"CUSTOM_TAG", "IMAGE_TAG", "VERSION"}


@pytest.mark.parametrize(
    "text",
    [
        '  IF [ "$A" = 1 ]\n    LET x=1\n  END\n  RUN echo $x\n',
        '  IF [ "$A" = 1 ]\n    LET x=1\n  END\n  ENV X=$x\n',
        '  IF [ "$A" = 1 ]\n    LET x=1\n  END\n  IF [ "$x" = 1 ]\n    RUN true\n  END\n',
        '  LET x=0\n  IF [ "$A" = 2 ]\n    SET x=1\n  ELSE IF [ "$A" = 1 ]\n    LET y=1\n  END\n  COPY ./f$x /\n',
        '  IF [ "$A" = 1 ]\n    IF [ "$B" = 1 ]\n      ARG x=1\n    END\n  END\n  RUN echo $x\n',
        '  IF [ "$A" = 1 ]\n    ARG x=1\n  END\n  BUILD --pass-args +other\n',
    ],
)
@pytest.mark.parametrize("value", ["0", "1"])
def test_what_a_branch_sets_or_leaves_unset_depends_on_its_condition(text: str, value: str) -> None:
    whole = HEAD + "  ARG A\n  ARG B\n" + text + "other:\n  ARG x\n  RUN echo $x\n"
    assert "A" in used(whole, args={"A": value}, files={"f0": "", "f1": ""})


# What nobody knows ----------------------------------------------------------------


def test_both_branches_of_an_unknown_condition_are_gone_through() -> None:
    text = HEAD + "  ARG A\n  ARG B\n  IF [ -f /x ]\n    COPY a /\n    RUN echo $A\n  ELSE\n    COPY b /\n    RUN echo $B\n  END\n"
    found = analysed(text, files={"a": "", "b": ""})
    assert found.used_names == {"A", "B"}
    assert found.files == ("a", "b")
    assert opaque(found) == [("values", 6, "whether [ -f /x ] holds is known only while it is built: both branches are taken into account")]


def test_what_the_branches_set_differently_is_unknown_and_what_they_set_alike_is_known() -> None:
    text = HEAD + (
        "  ARG A\n  LET x=0\n  LET y=0\n  IF [ -f /x ]\n    SET x=$A\n    SET y=1\n  ELSE\n    SET y=1\n  END\n"
        '  IF [ "$y" = 1 ]\n    COPY a /\n  ELSE\n    COPY b /\n  END\n  IF [ "$x" = 1 ]\n    COPY c /\n  END\n'
    )
    found = analysed(text, files={"a": "", "b": "", "c": ""})
    assert found.files == ("a", "c")
    assert found.used_names == {"A"}


def test_what_fails_on_a_branch_that_may_not_be_taken_is_no_error() -> None:
    text = HEAD + "  IF [ -f /x ]\n    COPY missing /\n    FROM +nowhere\n  ELSE\n    COPY a /\n  END\n  COPY b /\n"
    assert analysed(text, files={"a": "", "b": ""}).files == ("a", "b")
    with pytest.raises(EarthfileError, match="there is no target \\+nowhere"):
        analysed(text.replace("COPY a /", "FROM +nowhere"), files={"b": ""})
    with pytest.raises(EarthfileError, match="nothing to copy at /missing"):
        analysed(HEAD + "  COPY missing /\n")


def test_a_copy_that_another_from_drops_may_mean_nothing() -> None:
    """Earthly executes nothing that no result needs."""
    assert analysed(HEAD + "  COPY missing /\n  FROM alpine\n  COPY b /\n", files={"b": ""}).files == ("b",)


@pytest.mark.parametrize(
    ("body", "args", "counts"),
    [
        ("RUN echo $A", {}, True),
        ("RUN echo $A", {"A": "2"}, False),
        ("RUN echo", {}, False),
        ("ARG B=$A\n  RUN echo $B", {}, True),
        ("SAVE IMAGE r.example.com/x:$A", {}, False),
        ("RUN env", {}, True),
    ],
)
def test_a_default_counts_where_nothing_gives_an_arg_that_is_used_a_value(body: str, args: dict[str, str], counts: bool) -> None:
    one, other = (analysed(f"VERSION 0.8\nFROM alpine\nmain:\n  ARG A={default}\n  {body}\n", args=args) for default in ("0", "1"))
    assert (one.commands != other.commands) == counts


def test_a_default_that_runs_a_shell_counts_even_where_the_arg_is_given() -> None:
    """Earthly runs it all the same, and fails where that fails."""
    one, other = (analysed(f"{HEAD}  ARG A=$(echo {word})\n", args={"A": "1"}) for word in ("x", "y"))
    assert one.commands != other.commands


def test_a_loop_over_nobody_knows_what_is_gone_through_until_nothing_new_is_found() -> None:
    text = HEAD + (
        '  LET first=yes\n  FOR x IN $(ls)\n    IF [ "$first" = yes ]\n      COPY a /\n    ELSE\n      COPY b /\n    END\n'
        "    SET first=no\n    BUILD +other --P=$x\n  END\nother:\n  ARG P\n  SAVE IMAGE --push r.example.com/x:$P\n"
    )
    found = analysed(text, files={"a": "", "b": ""})
    assert found.files == ("a", "b")
    assert Edge(source="+main", target="+other", kind=EdgeKind.BUILD) in found.edges
    assert [image.names for image in found.images] == [("r.example.com/x:\N{REPLACEMENT CHARACTER}x\N{REPLACEMENT CHARACTER}",)]


@pytest.mark.parametrize("command", ["COPY $x /", "COPY a$(cat x) /", "BUILD +t-$x", "FROM $x", "DO +$x", "FROM DOCKERFILE $x", "IMPORT $x", "LOCALLY"])
def test_where_what_is_read_is_unknown_everything_is(command: str) -> None:
    text = HEAD + f"  ARG A\n  LET x=$(cat x)\n  {command}\n"
    found = analysed(text, args={"A": "1", "ELSEWHERE": "1"})
    assert found.whole
    if command != "LOCALLY":
        assert found.anything
        assert found.used_names == {"A", "ELSEWHERE"}


@pytest.mark.parametrize("command", ["EXPOSE $x", "VOLUME $x", "SAVE IMAGE r:$x", "ENV A=$x", "LABEL a=$x", "FROM alpine/x:$x", "SAVE ARTIFACT x /$x"])
def test_other_unknown_values_hide_no_input(command: str) -> None:
    found = analysed(HEAD + f"  LET x=$(cat x)\n  {command}\n")
    assert found.whole is (command.startswith("SAVE ARTIFACT"))


def test_a_list_of_commands_tells_where_a_branch_ends() -> None:
    inside = HEAD + "  IF [ -f /x ]\n    RUN a\n    RUN b\n  END\n"
    behind = HEAD + "  IF [ -f /x ]\n    RUN a\n  END\n  RUN b\n"
    assert analysed(inside).commands != analysed(behind).commands


def test_a_condition_that_shells_answer_differently_is_unknown() -> None:
    text = HEAD + '  ARG A=1\n  IF [ "$A" == 1 ]\n    COPY a /\n  ELSE\n    COPY b /\n  END\n'
    files = {"a": "", "b": ""}
    assert analysed(text, files=files).files == ("a", "b")
    assert analysed(text, files=files, args={"A": "2"}).files == ("b",)


# What else is told ------------------------------------------------------------------


def test_the_graph_the_sources_and_the_outputs() -> None:
    text = """
        VERSION 0.7
        FROM alpine
        main:
          BUILD +image
        image:
          FROM +base-image
          COPY +tool/tool /
          COPY --dir src /
          DO +FINISH
          SAVE IMAGE --push r.example.com/image:1
        base-image:
          FROM ubuntu:24.04
          COPY --if-exists nothing a* /
        tool:
          RUN --privileged --secret TOKEN --mount=type=secret,id=other,target=/s make
          SAVE ARTIFACT tool AS LOCAL out/tool
        FINISH:
          COMMAND
          RUN true
    """
    found = analysed(text, files={"a1": "", "a2": "", "src/b": ""})
    named = {edge for edge in found.edges if edge.target != "+base"}
    assert {(edge.source, edge.kind.value, edge.target) for edge in named} == {
        ("+main", "BUILD", "+image"),
        ("+image", "FROM", "+base-image"),
        ("+image", "COPY", "+tool"),
    }
    assert found.sources == (
        Source(target="+base-image", patterns=("a*", "nothing"), paths=("a1", "a2")),
        Source(target="+image", patterns=("src",), paths=("src", "src/b")),
    )
    assert [base.ref for base in found.bases] == ["alpine", "ubuntu:24.04"]
    assert [(image.names, image.push) for image in found.images] == [(("r.example.com/image:1",), True)]
    assert [need.name for need in found.secrets] == ["TOKEN", "other"]
    assert [(need.name, need.place.line) for need in found.privileged] == [("RUN", 15)]
    assert found.features[0] == "0.7"
    assert "--wait-block" in found.features


GUARD = '  IF [ "$A" = true ]\n    RUN echo "ERROR: A and B are exclusive." >&2 && \\\n        exit 1\n  END\n'


def test_a_guard_on_a_certain_branch_is_hit() -> None:
    text = HEAD + "  ARG A\n" + GUARD
    (guard,) = analysed(text, args={"A": "true"}).guards
    assert (guard.message, guard.place.line) == ("ERROR: A and B are exclusive.", 6)
    assert analysed(text).guards == ()


@pytest.mark.parametrize("text", ["echo x", "echo x && exit 0", "test -f x || exit 1", "make && exit 1", "echo $(make) && exit 1"])
def test_other_commands_are_no_guards(text: str) -> None:
    assert analysed(HEAD + f"  RUN {text}\n").guards == ()


def test_nor_is_one_that_may_not_be_reached() -> None:
    assert analysed(HEAD + '  IF [ -f /x ]\n    RUN echo "ERROR: x" && exit 1\n  END\n').guards == ()


def test_times_of_building_are_told() -> None:
    text = HEAD + "  RUN --no-cache date\n  RUN apt-get update\n  GIT CLONE https://example.com/x.git /x\n  COPY example.com/org/repo+t/x /\n"
    assert [(kind, line) for kind, line, _ in opaque(analysed(text))] == [("time", 4), ("time", 5), ("time", 6), ("time", 7)]


def test_a_dockerfile_with_run_reads_what_its_copies_take() -> None:
    text = HEAD + "  ARG BASE=alpine\n  ARG OTHER\n  FROM DOCKERFILE --build-arg BASE=$BASE --build-arg OTHER=$OTHER .\n"
    dockerfile = "ARG BASE\nFROM $BASE\nRUN --mount=type=bind,source=d,target=/d make\nCOPY a /\nADD https://example.com/x /x\n"
    found = analysed(text, files={"Dockerfile": dockerfile, "a": "", "b": "", "d/e": ""})
    assert found.files == ("a", "d", "d/e")
    assert found.used_names == {"BASE"}
    assert [base.ref for base in found.bases] == ["alpine:3.20", "alpine"]


def test_calls_that_agree_on_the_deciding_args_differ_in_texts_alone() -> None:
    text = HEAD + '  ARG A\n  ARG B\n  RUN echo $A\n  IF [ "$B" = 1 ]\n    COPY a /\n  END\n  SAVE IMAGE r:$A\n'
    one, other = (analysed(text, args={"A": value, "B": "1"}, files={"a": ""}) for value in "12")
    assert one.deciding == other.deciding == {"B"}
    assert (one.used_names, one.files, one.commands) == (other.used_names, other.files, other.commands)


def test_a_try_is_gone_through_to_its_end() -> None:
    text = "VERSION --try 0.8\nFROM alpine\nmain:\n  ARG A\n  TRY\n    RUN make\n  FINALLY\n    SAVE ARTIFACT x AS LOCAL out/x\n  END\n  RUN $A\n"
    found = analysed(text)
    assert [local.path for local in found.locals] == ["out/x"]
    assert found.used_names == {"A"}


def test_guards_are_values() -> None:
    place = analysed(HEAD + "  RUN echo x && false\n").guards[0].place
    assert analysed(HEAD + "  RUN echo x && false\n").guards == (Guard(message="x", place=place),)


@pytest.mark.parametrize(
    "command",
    ["ARG H=$HOME", "LET H=$HOME", "COPY x $HOME/", "IF [ ~ = /h ]\n    ENV H=1\n  END", "FOR H IN ~\n    ENV X=$H\n  END"],
)
@pytest.mark.parametrize("base", ["alpine:3.20", "scratch"])
def test_a_home_directory_depends_on_the_tree_it_is_asked_of(base: str, command: str) -> None:
    text = f"VERSION 0.8\nFROM scratch\nmain:\n  FROM {base}\n  ARG U=app\n  USER $U\n  COPY passwd /etc/\n  COPY sh /bin/\n"
    text += f"  {command}\n  FROM scratch\n  ENV A=$H\n"
    found = analysed(text, files={"passwd": "", "sh": "", "x": ""})
    assert "passwd" in found.files
    assert "U" in found.used_names


@pytest.mark.parametrize(
    "body",
    [
        '  IF [ "$A" = 1 ] && [ -f /x ]\n    RUN true\n  END\n',
        "  BUILD +other --P=$A\n  BUILD +other --P=$B\n",
        "  FOR x IN $A $(ls)\n    RUN true\n  END\n",
        "  COPY ./$A /\n",
    ],
)
def test_what_only_decides_for_other_values_decides(body: str) -> None:
    text = HEAD + "  ARG A=0\n  ARG B=0\n" + body + "other:\n  ARG P\n  RUN echo $P\n"
    files = {"0": "", "1": ""}
    assert "A" in analysed(text, files=files, args={"A": "0"}).deciding
    assert "A" in analysed(text, files=files, args={"A": "1"}).deciding
