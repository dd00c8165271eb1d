"""Small breakages of the template, each with the test that must notice it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from extensions.questionnaire import Answer, Answers

__all__ = [
    "OF_A_PROJECT",
    "OF_DATABASE_AND_AUTH",
    "OF_KUBERNETES",
    "OF_SERVICES",
    "OF_THE_TEMPLATE",
    "Mutation",
]

SOURCE = "template/src/{{ package_name }}"
DATABASE = f"{SOURCE}/database"
AUTH = f"{SOURCE}/auth"
LINEAR = "tests/integration/test_linear.py::test_service_hostile_requests_cost_is_linear"
SERVED: Answers = {"auth": "jwt", "database": "sqlite"}


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One breakage and the test that must notice it.

    Attributes:
        file: The file to break, from the root of the template's repository.
        old: The text to take out, which must be there; by default the whole file.
        new: What stands there instead.
        test: The test that must fail, as pytest names it.
        answers: The project whose test it is, by what differs from the defaults.
        tools: The programs that the test starts.
    """

    file: str
    old: str = ""
    new: str = ""
    test: str
    answers: Answers = field(default_factory=dict[str, Answer])
    tools: tuple[str, ...] = ()

    def __str__(self) -> str:
        name = re.sub(r"{%.*?%}", "", Path(self.file).name).removesuffix(".jinja")
        return f"{name}: {self.test.rpartition('/')[2]}"

    def apply(self, root: Path) -> None:
        """Break the file under another root."""
        path = root / self.file
        if not self.old:
            path.unlink()
            return
        text = path.read_text()
        assert self.old in text, f"{self.file} no longer has {self.old!r}"
        path.write_text(text.replace(self.old, self.new))


OF_THE_TEMPLATE = [
    Mutation(
        file="tests/changed.py",
        old="not in same for",
        new="in same for",
        test="tests/test_changed.py::test_combination_is_taken_unless_all_of_it_is_the_same",
    ),
    Mutation(
        file="extensions/crossing.py",
        old="return [*found, *spread.add_missing()]",
        new="return found[::8]",
        test="tests/test_projects.py::test_combinations_hold_every_triple_of_answers",
    ),
    Mutation(
        file="extensions/crossing.py",
        old="return [*found, *spread.add_missing()]",
        new="return found",
        test="tests/test_projects.py::test_laid_across_blocks_add_what_triples_need",
    ),
    Mutation(
        file="extensions/stack.jinja",
        old="'APP_CACHE_TTL_SECONDS', '30.0'",
        new="'APP_CACHE_TTL_SECONDS', '90.0'",
        test="tests/test_settings.py::test_settings_are_fields_with_the_defaults_that_are_told",
    ),
    Mutation(
        file="template/AGENTS.md.jinja",
        old="{% if cache and example %}",
        new="{% if cache %}",
        test="tests/test_documentation.py::test_rules_of_a_project_name_only_what_it_has",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="{% if example %}",
        new="{% if example or not example %}",
        test="tests/test_branches.py::test_every_branch_of_the_template_is_taken",
    ),
    Mutation(
        file="extensions/text.jinja",
        old="not text.isprintable()",
        new="false",
        test="tests/test_bad_answers.py::test_data_is_refused_by_the_same_line_and_writes_nothing",
    ),
    Mutation(
        file="extensions/text.jinja",
        old="{{ text | to_json(ensure_ascii=false) }}",
        new='"{{ text }}"',
        test="tests/test_free_text.py::test_visible_text_arrives_unchanged",
    ),
    Mutation(
        file="extensions/stack.jinja",
        old="fastapi~=0.165.0",
        new="fastapi~==0.165.0",
        test="tests/test_files.py::test_toml_parses_and_pyproject_is_valid",
    ),
    Mutation(
        file="extensions/stack.jinja",
        old="(http_client, 'run', 'httpx2~=2.16')",
        new="(true, 'run', 'httpx2~=2.16')",
        test="tests/test_dependencies.py::test_every_dependency_is_declared_and_used",
    ),
    Mutation(
        file="extensions/stack.jinja",
        old="; python_version < '3.15'",
        test="tests/test_dependencies.py::test_oldest_floor_installs_wheels_on_every_python",
    ),
    Mutation(
        file="tests/projects.py",
        old='"--no-python-downloads", version]',
        new='"--no-python-downloads", "3.13"]',
        test="tests/test_projects.py::test_python_of_each_answer_runs_its_projects",
    ),
    Mutation(
        file="tests/projects.py",
        old="        self._check_python(project)\n",
        test="tests/test_projects.py::test_wrong_python_is_noticed",
    ),
    Mutation(
        file="template/pyproject.toml.jinja",
        old="\nPSF-2.0;",
        new="",
        test="tests/test_dependencies.py::test_licences_of_all_dependencies_are_allowed",
    ),
    Mutation(
        file="template/.github/workflows/ci.yml.jinja",
        old="permissions: {}",
        new="permissions: write-all",
        test="tests/test_files.py::test_workflows_are_safe",
    ),
    Mutation(
        file="template/docker/nginx.conf.jinja",
        old="worker_processes auto;",
        new="worker_processes auto",
        test="tests/test_files.py::test_nginx_takes_its_configuration",
    ),
    Mutation(
        file="template/pyproject.toml.jinja",
        old='version = "0.1.0"',
        new='version = "0.1.0"  # {{ range(10**9) | random }}',
        test="tests/test_rendering.py::test_rendering_twice_elsewhere_gives_the_same",
    ),
    Mutation(
        file="template/{% if license == 'MIT' %}LICENSE{% endif %}.jinja",
        old="{{ copyright_year }}",
        new="{{ '%Y' | strftime }}",
        test="tests/test_rendering.py::test_rendering_twice_elsewhere_gives_the_same",
    ),
    Mutation(
        file="template/SECURITY.md.jinja",
        old="# Security policy",
        new="# Security of {{ _copier_conf.dst_path }}",
        test="tests/test_rendering.py::test_whole_tree_is_what_the_projection_says",
    ),
    Mutation(
        file="extensions/questionnaire.py",
        old="if node.with_context:",
        new="if not node.with_context:",
        test="tests/test_rendering.py::test_versions_of_a_file_are_all_that_projects_have",
    ),
    Mutation(
        file="tests/projects.py",
        old="            _delete(left)",
        new="            assert left",
        test="tests/test_projects.py::test_workshop_next_project_keeps_nothing_of_the_last",
    ),
    Mutation(
        file="tests/projects.py",
        old=', table["dependencies"]]',
        new="]",
        test="tests/test_projects.py::test_workshop_lock_is_shared_only_where_it_fits",
    ),
    Mutation(
        file="copier.yml",
        old="trim_blocks: true",
        new="trim_blocks: false",
        test="tests/test_files.py::test_no_trace_of_a_condition",
    ),
    Mutation(
        file="template/docker/Dockerfile.jinja",
        old="FROM ",
        new="FROM --platform=linux/amd64 ",
        test="tests/test_files.py::test_dockerfile_is_clean",
    ),
    Mutation(
        file=f"{SOURCE}/routers/health.py.jinja",
        old="    router = direct_router(",
        new="    router: int = direct_router(",
        test="tests/test_types.py::test_every_combination_is_strictly_typed_for_pyright",
    ),
    Mutation(
        file=f"{SOURCE}/routers/health.py.jinja",
        old="    router = direct_router(",
        new="    router: int = direct_router(",
        test="tests/test_types.py::test_every_combination_is_strictly_typed_for_mypy",
    ),
    Mutation(
        file=f"{SOURCE}/services/health.py.jinja",
        old="import asyncio\n",
        new="import asyncio\n\nimport fastapi  # noqa: F401\n",
        test="tests/test_suites.py::test_every_combination_passes_its_own_tests",
    ),
    Mutation(
        file="template/tests/integration/test_health.py.jinja",
        old="async def test_health_process_is_alive",
        new="@pytest.mark.skip\nasync def test_health_process_is_alive",
        test="tests/test_suites.py::test_every_combination_passes_its_own_tests",
        tools=("redis-server",),
    ),
    Mutation(
        file="template/tests/{% if database == 'postgresql' %}servers.py{% endif %}.jinja",
        old='if url := os.environ.get("TEST_DATABASE_URL"):',
        new='if url := os.environ.get("TEST_NO_URL"):',
        test="tests/test_servers.py::test_suite_passes_on_servers_over_tcp_and_leaves_nothing_there",
        tools=("pg_ctlcluster", "redis-server"),
    ),
    Mutation(
        file="template/CHANGELOG.md.jinja",
        old="# Changelog",
        new="# Changelog of the {{ _copier_operation }}",
        test="tests/test_updates.py::test_update_gives_what_a_fresh_copy_gives",
    ),
    Mutation(
        file="template/CHANGELOG.md.jinja",
        old="# Changelog",
        new="# Changelog of the {{ _copier_operation }}",
        test="tests/test_switches.py::test_switches_there_and_back_end_where_they_began",
    ),
    Mutation(
        file="extensions/names.jinja",
        old="'app-' if name[0].isdigit() else ''",
        new="''",
        test="tests/test_names.py::test_defaults_of_any_folder_pass_their_own_validators",
    ),
    Mutation(
        file="extensions/names.jinja",
        old="{%- elif locked and name != locked -%}",
        new="{%- elif false -%}",
        test="tests/test_bad_answers.py::test_package_name_is_locked",
    ),
]

MANIFESTS = "template/deploy/kubernetes/base"
OF_KUBERNETES = [
    Mutation(
        file=f"{MANIFESTS}/deployment.yaml.jinja",
        old="maxUnavailable: 0",
        new="maxUnavailble: 0",
        test="tests/test_delivery_kubernetes.py::test_manifests_follow_the_schemas_of_kubernetes",
    ),
    Mutation(
        file="extensions/kubernetes.jinja",
        old="'APP_SHUTDOWN_SECONDS'",
        new="'APP_SHUTDOWN_TIME'",
        test="tests/test_delivery_kubernetes.py::test_service_takes_the_settings",
    ),
    Mutation(
        file=f"{MANIFESTS}/deployment.yaml.jinja",
        old="path: /ready",
        new="path: /readyz",
        test="tests/test_delivery_kubernetes.py::test_service_runs_as_the_manifests_say",
    ),
]

OF_A_PROJECT = [
    Mutation(
        file=f"{SOURCE}/logs.py.jinja",
        old="        wrapper_class=",
        new="        cache_logger_on_first_use=True,\n        wrapper_class=",
        test="tests/unit/test_logs.py::test_logs_used_logger_follows_the_next_configuration",
    ),
    Mutation(
        file=f"{SOURCE}/routers/__init__.py.jinja",
        old="    router = copy(app.router)",
        new="    router = APIRouter(routes=app.routes)",
        test="tests/integration/test_routers.py::test_direct_router_puts_its_routes_directly_under_the_application",
    ),
    Mutation(
        file=f"{SOURCE}/access_log.py.jinja",
        old="in processors:",
        new="in processors[:1]:",
        test="tests/unit/test_access_log.py::test_access_log_secrets_are_redacted",
    ),
    Mutation(
        file=f"{SOURCE}/__main__.py.jinja",
        old="_ACCEPTED_A_TURN = 8",
        new="_ACCEPTED_A_TURN = 1",
        test="tests/unit/test_command_line.py::test_serve_accepts_several_connections_in_a_turn_of_the_loop",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="        if settings.is_production:\n            tune_garbage_collection()\n",
        test="tests/integration/test_garbage.py::test_garbage_collection_is_tuned_in_production",
    ),
    Mutation(
        file=f"{SOURCE}/drain.py.jinja",
        test="tests/integration/test_health.py",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="{% if example %}",
        new="{% if not example %}",
        test="tests/integration/test_health.py",
        answers={"example": False},
    ),
    Mutation(
        file="extensions/stack.jinja",
        old="    (true, 'run', 'structlog~=26.1'),\n",
        test="tests/unit/test_logs.py",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="    app.add_middleware(Edge, settings=settings)\n",
        test="tests/integration/test_edge.py",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="    add_problem_handlers(app)\n",
        test="tests/integration/test_problems.py",
    ),
    Mutation(
        file=f"{SOURCE}/logs.py.jinja",
        old="        _redact,\n",
        test="tests/unit/test_logs.py::test_logs_secret_is_redacted_in_any_logger",
    ),
    Mutation(
        file=f"{SOURCE}/logs.py.jinja",
        old="(?P<pair>(?:password",
        new=r"(?P<pair>\b[\w-]*(?:password",
        test="tests/integration/test_linear.py::test_logs_hostile_text_cost_is_linear[words]",
    ),
    Mutation(
        file=f"{SOURCE}/logs.py.jinja",
        old="(?P<pair>(?:password",
        new=r"(?P<pair>\b[\w-]*(?:password",
        test=LINEAR,
    ),
    Mutation(
        file=f"{SOURCE}/edge.py.jinja",
        old=" and len(value) < 20",
        new="",
        test=LINEAR,
    ),
    Mutation(
        file=f"{SOURCE}/models/items.py.jinja",
        old="Annotated[str, Field(max_length=2000),",
        new="Annotated[str, AfterValidator(lambda text: "
        "__import__('re').sub(r'\\s+$', '', text)), Field(max_length=2000),",
        test=LINEAR,
    ),
    Mutation(
        file=f"{SOURCE}/routers/health.py.jinja",
        old="async def read_health() -> Health:\n",
        new="async def read_health(note: str = '', size: int = 1) -> Health:\n"
        "    __import__('re').sub(r'\\s+$', '', note)\n",
        test=LINEAR,
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="drain_on_sigterm(app.state.readiness, settings.drain_seconds)",
        new="AsyncExitStack()",
        test="tests/e2e/test_serve.py",
    ),
    Mutation(
        file=f"{SOURCE}/config.py.jinja",
        old="if self.debug:",
        new="if False:",
        test="tests/unit/test_config.py",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="has_export=settings.items_export_enabled",
        new="has_export=True",
        test="tests/integration/test_items.py::test_export_switched_off_is_not_there",
    ),
    Mutation(
        file=f"{SOURCE}/routers/items.py.jinja",
        old="items.page(params, tag=tag)",
        new="items.page(params, tag=None)",
        test="tests/integration/test_items.py::test_list_by_tag_holds_only_its_items",
    ),
    Mutation(
        file=f"{SOURCE}/standard_output.py.jinja",
        old="        except OSError:\n            return line\n",
        new="        except BlockingIOError:\n            return line\n",
        test="tests/unit/test_standard_output.py::test_line_writer_failing_output_is_no_error",
    ),
    Mutation(
        file=f"{SOURCE}/standard_output.py.jinja",
        old="if self._backlog and self._size + len(line) > _BACKLOG_BYTES:",
        new="if False:",
        test="tests/unit/test_standard_output.py::test_line_writer_full_backlog_tells_how_much_is_lost",
    ),
    Mutation(
        file=f"{SOURCE}/standard_output.py.jinja",
        old="    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:\n",
        new="    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 0:\n",
        test="tests/e2e/test_output.py::test_serve_output_out_of_use_serves",
    ),
    Mutation(
        file=f"{SOURCE}/__main__.py.jinja",
        old="        release_streams()\n",
        new="        pass\n",
        test="tests/e2e/test_output.py::test_command_that_cannot_print_says_so",
    ),
    Mutation(
        file=f"{SOURCE}/logs.py.jinja",
        old="_unfailing(structlog.make_filtering_bound_logger(level))",
        new="structlog.make_filtering_bound_logger(level)",
        test="tests/integration/test_log_failures.py::test_edge_failing_log_lines_change_no_response",
    ),
    Mutation(
        file=f"{SOURCE}/logs.py.jinja",
        old="    except orjson.JSONEncodeError:\n        line =",
        new="    except OSError:\n        line =",
        test="tests/unit/test_log_failures.py::test_logs_value_that_json_lacks_leaves_the_rest",
    ),
    Mutation(
        file=f"{SOURCE}/access_log.py.jinja",
        old="return _unfailing(write_line)",
        new="return write_line",
        test="tests/unit/test_log_failures.py::test_access_log_failing_processor_leaves_route_and_status",
    ),
    Mutation(
        file=f"{SOURCE}/edge.py.jinja",
        old="                self._deadlines.add(wait, seconds)\n",
        new="                pass\n",
        test="tests/integration/test_peers.py::test_peers_body_that_does_not_come_is_a_408",
    ),
    Mutation(
        file=f"{SOURCE}/edge.py.jinja",
        old="asyncio.timeout(self._send_seconds)",
        new="asyncio.timeout(None)",
        test="tests/integration/test_peers.py::test_peers_client_that_never_reads_has_left",
    ),
    Mutation(
        file=f"{SOURCE}/__main__.py.jinja",
        old="    _drop_unread(bound, unread_seconds)\n",
        test="tests/e2e/test_peers.py::test_peers_who_never_read_a_response_are_dropped",
    ),
]

OF_DATABASE_AND_AUTH = [
    Mutation(
        file=f"{AUTH}/{{% if database != 'none' %}}models.py{{% endif %}}.jinja",
        old="len(email) > _LONGEST_EMAIL",
        new="not email",
        test=LINEAR,
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/{{% if database == 'postgresql' %}}embedded.py{{% endif %}}.jinja",
        old="    if not is_installed():",
        new="    if False:",
        test="tests/unit/database/test_commands.py::test_db_without_any_server_is_one_line_and_exit_1",
        answers={"database": "postgresql"},
    ),
    Mutation(
        file=f"{DATABASE}/engine.py.jinja",
        old="poolclass=FairPool,",
        test="tests/integration/database/test_pool.py::test_pool_serves_whoever_waits_longest",
        answers={"database": "postgresql"},
    ),
    Mutation(
        file=f"{AUTH}/tokens.py.jinja",
        old="min(expiry, now + _KNOWN_SECONDS)",
        new="expiry",
        test="tests/unit/auth/test_tokens.py::"
        "test_tokens_known_token_does_not_outlive_its_key_for_long",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/dependencies.py.jinja",
        old='Depends(get_session, scope="function")',
        new="Depends(get_session)",
        test="tests/integration/database/test_sessions.py::"
        "test_session_commits_before_the_response_leaves",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/dependencies.py.jinja",
        old="""        async with database.sessions.begin() as session:
            yield session
""",
        new="""        async with database.sessions() as session:
            try:
                yield session
            finally:
                await session.commit()
""",
        test="tests/integration/database/test_sessions.py::"
        "test_session_handler_that_raises_leaves_nothing",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/failures.py.jinja",
        old='    "25006": Failure.READ_ONLY,\n',
        test="tests/integration/database/test_states.py::"
        "test_read_only_database_answers_503_and_is_degraded",
        answers={"database": "postgresql"},
    ),
    Mutation(
        file=f"{DATABASE}/failures.py.jinja",
        old='    "72": Failure.PASSING,  # the snapshot is too old\n',
        test="tests/unit/database/test_failures.py::"
        "test_codes_judge_every_class_that_the_driver_knows",
        answers={"database": "postgresql"},
    ),
    Mutation(
        file=f"{DATABASE}/failures.py.jinja",
        old="            context.is_disconnect = True\n",
        test="tests/integration/database/test_states.py::"
        "test_read_only_database_answers_503_and_is_degraded",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/readiness.py.jinja",
        old="if missing := missing_revisions(state, self._known):",
        new="if not self and (missing := missing_revisions(state, self._known)):",
        test="tests/integration/database/test_states.py::"
        "test_ready_needs_the_revisions_of_this_code",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/revisions.py.jinja",
        old="    if all(revision in known for revision in applied):\n        return missing\n",
        test="tests/unit/database/test_revisions.py::"
        "test_missing_revisions_are_known_and_not_applied",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/urls.py.jinja",
        old='        "channel_binding",\n',
        test="tests/unit/database/test_urls.py::"
        "test_url_parameters_become_arguments_that_the_driver_knows",
        answers={"database": "postgresql"},
    ),
    Mutation(
        file=f"{DATABASE}/urls.py.jinja",
        old="if text else ''}{text}\"",
        new="if text else ''}{text}\".replace('sslmode=', 'ssl=')",
        test="tests/unit/database/test_urls.py::test_url_password_is_left_alone",
        answers={"database": "postgresql"},
    ),
    Mutation(
        file=f"{SOURCE}/redis_urls.py.jinja",
        old='value.lower().removeprefix("cert_")',
        new="value",
        test="tests/unit/test_redis_urls.py::test_redis_url_certificate_flag_is_that_of_the_client",
        answers={"cache": True},
    ),
    Mutation(
        file=f"{DATABASE}/waits.py.jinja",
        old="        if now >= self._end:",
        new="        if now >= self._end + 600:",
        test="tests/integration/database/test_waits.py::"
        "test_upgrade_behind_a_writer_gives_up_and_says_so",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/{{% if database == 'postgresql' %}}driver.py{{% endif %}}.jinja",
        old='{"55P03", "40P01"}',
        new='{"40P01"}',
        test="tests/integration/database/test_waits.py::"
        "test_downgrade_of_a_table_in_use_lets_readers_pass",
        answers={"database": "postgresql"},
    ),
    Mutation(
        file=f"{DATABASE}/{{% if database == 'postgresql' %}}driver.py{{% endif %}}.jinja",
        old='"statement_timeout": settings.database_statement_timeout_seconds',
        new='"statement_timeout": 0',
        test="tests/integration/database/test_waits.py::"
        "test_request_statement_takes_no_longer_than_set",
        answers={"database": "postgresql"},
    ),
    Mutation(
        file=f"{DATABASE}/engine.py.jinja",
        old="Database.over(engine, writer)",
        new="Database.over(engine)",
        test="tests/integration/database/test_waits.py::"
        "test_writers_that_queue_leave_readers_their_connections",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/errors.py.jinja",
        old="except IntegrityError as error:",
        new="except KeyError as error:",
        test="tests/integration/database/test_sessions.py::"
        "test_session_violated_constraint_is_a_conflict",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/{{% if database == 'sqlite' %}}driver.py{{% endif %}}.jinja",
        old='"foreign_keys = ON", ',
        test="tests/integration/database/test_sessions.py::"
        "test_session_failing_commit_is_an_error_to_the_client",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/{{% if database == 'sqlite' %}}driver.py{{% endif %}}.jinja",
        old='{"has_transactions": False}',
        new="{}",
        test="tests/integration/database/test_sessions.py::test_read_session_begins_no_transaction",
        answers=SERVED,
    ),
    Mutation(
        file=f"{DATABASE}/{{% if database == 'postgresql' %}}driver.py{{% endif %}}.jinja",
        old="func.pg_try_advisory_lock(func.hashtext(_LOCK_NAME))",
        new="func.now().is_not(None)",
        test="tests/integration/database/test_migrations.py::"
        "test_migrations_of_several_replicas_happen_one_after_the_other",
        answers={"database": "postgresql"},
    ),
    Mutation(
        file=f"{AUTH}/tables.py.jinja",
        old="    failures: Mapped[int]\n",
        new="    failures: Mapped[int]\n    successes: Mapped[int]\n",
        test="tests/integration/database/test_migrations.py::"
        "test_migrations_up_down_and_up_again_agree_with_the_tables",
        answers=SERVED,
    ),
    Mutation(
        file=f"{AUTH}/access.py.jinja",
        old="credentials is None or not is_right",
        new="credentials is None",
        test="tests/integration/auth/test_accounts.py::"
        "test_password_change_needs_the_old_one_and_ends_all_sessions",
        answers=SERVED,
    ),
    Mutation(
        file=f"{AUTH}/access.py.jinja",
        old="None if user_id else await store.end_session(session_id)",
        new="None",
        test="tests/integration/auth/test_sessions.py::"
        "test_refresh_replayed_token_ends_the_session",
        answers=SERVED,
    ),
    Mutation(
        file=f"{AUTH}/access.py.jinja",
        old="if attempts > limit:",
        new="if False:",
        test="tests/integration/auth/test_guessing.py::"
        "test_login_failures_are_counted_by_account_for_all_replicas",
        answers=SERVED,
    ),
    Mutation(
        file=f"{AUTH}/passwords.py.jinja",
        old="against = password_hash or self._nobodys",
        new="if not (against := password_hash):\n            return False, None",
        test="tests/integration/auth/test_guessing.py::"
        "test_login_unknown_user_and_wrong_password_cost_the_same",
        answers=SERVED,
    ),
    Mutation(
        file=f"{AUTH}/{{% if database != 'none' %}}dependencies.py{{% endif %}}.jinja",
        old="if account.role != role:",
        new="if False:",
        test="tests/integration/auth/test_accounts.py::test_roles_of_others_are_for_admins_to_give",
        answers=SERVED,
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="writers=[Depends(get_current_user)],",
        new="writers=[],",
        test="tests/integration/auth/test_items_writes.py::test_items_write_needs_a_user",
        answers=SERVED,
    ),
    Mutation(
        file=f"{AUTH}/tokens.py.jinja",
        old="            issuer=self._settings.auth_issuer,\n",
        test="tests/integration/auth/test_access.py::test_access_bad_token_is_refused",
        answers=SERVED,
    ),
    Mutation(
        file=f"{AUTH}/tokens.py.jinja",
        old="            key,\n            algorithms=[key.algorithm_name],\n",
        new='            key.key,\n            algorithms=["EdDSA", "ES256", "RS256", "RS512"],\n',
        test="tests/integration/auth/test_issuers.py::"
        "test_issuer_public_key_verifies_its_tokens_only",
        answers={"auth": "jwt"},
    ),
    Mutation(
        file=f"{AUTH}/issuer.py.jinja",
        old="if time.monotonic() < self._tried_at + _PAUSE_SECONDS:",
        new="if False:",
        test="tests/integration/auth/test_published_keys.py::"
        "test_published_keys_many_forged_ids_are_no_storm",
        answers={"auth": "jwt"},
    ),
    Mutation(
        file=f"{DATABASE}/repository.py.jinja",
        old="                await self._session.commit()\n",
        new="                pass\n",
        test="tests/e2e/test_peers.py::test_peers_who_never_read_an_export_hold_no_connection",
        answers=SERVED,
    ),
    Mutation(
        file=f"{AUTH}/issuer.py.jinja",
        old="asyncio.timeout(_TIMEOUT_SECONDS)",
        new="asyncio.timeout(None)",
        test="tests/integration/auth/test_slow_issuer.py::"
        "test_published_keys_that_trickle_are_not_waited_for",
        answers={"auth": "jwt"},
    ),
]

SERVICES: Answers = {
    "cache": True,
    "http_client": True,
    "observability": True,
    "plugins": True,
    "rate_limit": True,
}

OF_SERVICES = [
    Mutation(
        file=f"{SOURCE}/cache/etags.py.jinja",
        old='known.split(",")',
        new="__import__('re').split(r'\\s*,\\s*', known)",
        test=LINEAR,
        answers={"cache": True},
    ),
    Mutation(
        file=f"{SOURCE}/weather/upstream.py.jinja",
        old="    if _SECONDS.fullmatch(value):",
        new="    if __import__('re').sub(r'\\s+$', '', value).isdecimal():",
        test="tests/integration/weather/test_hostile_answers.py::"
        "test_weather_hostile_answers_cost_is_linear",
        answers={"http_client": True},
    ),
    Mutation(
        file=f"{SOURCE}/weather/upstream.py.jinja",
        old="(OverflowError, TypeError, ValueError)",
        new="(TypeError, ValueError)",
        test="tests/integration/weather/test_hostile_answers.py::"
        "test_weather_impossible_retry_after_is_ignored",
        answers={"http_client": True},
    ),
    Mutation(
        file=f"{SOURCE}/observability/redaction.py.jinja",
        old="isinstance(query, str):",
        new="__import__('re').sub(r'a+$', '', str(query)):",
        test="tests/integration/observability/test_hostile_traces.py::"
        "test_tracing_hostile_requests_cost_is_linear",
        answers={"observability": True},
    ),
    Mutation(
        file=f"{SOURCE}/__main__.py.jinja",
        old="    _export(options)\n",
        test="tests/unit/test_command_line.py::test_serve_options_are_settings_of_every_worker",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="metrics.add_metrics(app, settings.metrics_path)",
        new='metrics.add_metrics(app, "/metrics")',
        test="tests/integration/observability/test_metrics.py::test_metrics_path_of_their_own_is_a_probe",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="        await stack.enter_async_context(open_plugins(app))\n",
        test="tests/integration/plugins/test_plugins.py::test_built_in_plugin_greets",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/plugins/registry.py.jinja",
        old="if not _is_wanted(entry.name, settings):",
        new="if False:",
        test="tests/integration/plugins/test_plugins.py::test_command_lists_plugins_and_their_state",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/plugins/lifespan.py.jinja",
        old=" & _paths(app.routes)",
        new=" & set()",
        test="tests/integration/plugins/test_plugins.py::test_plugin_whose_routes_are_taken_is_broken",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/dependencies.py.jinja",
        old="    repository = CachedItemRepository(repository, cache)\n",
        test="tests/integration/cache/test_items.py::test_items_are_read_from_the_cache",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/cache/service.py.jinja",
        old="while flight := self._flights.get(key):",
        new='while flight := self._flights.get(""):',
        test="tests/unit/cache/test_service.py::test_get_or_compute_many_waiters_compute_once",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/cache/redis_store.py.jinja",
        old="if redis.call('GET', KEYS[2]) ~= ARGV[1] then return end\n",
        test="tests/integration/cache/test_redis_store.py::test_redis_delete_elsewhere_keeps_outdated_value_out",
        answers=SERVICES,
        tools=("redis-server",),
    ),
    *[
        Mutation(
            file=f"{SOURCE}/cache/invalidation.py.jinja",
            old=old,
            new=new,
            test=f"tests/unit/cache/test_invalidation.py::{test}",
            answers=SERVICES,
        )
        for old, new, test in (
            (
                "                self._start_retrying()\n",
                "                pass\n",
                "test_delete_that_failed_is_retried_until_it_succeeds",
            ),
            (
                "return key in self._pending or ",
                "return ",
                "test_delete_that_failed_is_bypassed_while_reads_are_answered",
            ),
            (
                "            for key in list(self._pending):\n",
                "            keys = list(self._pending)\n"
                "            self._pending.clear()\n"
                "            for key in keys:\n",
                "test_keys_are_bypassed_until_their_retries_succeed",
            ),
            (
                "elif self._pending.get(key) is change:",
                "else:",
                "test_change_that_is_confirmed_late_hides_no_later_failure",
            ),
            (
                "self._bypassed_until = self._clock() + lifetime",
                "pass",
                "test_more_failures_than_are_remembered_bypass_the_whole_store",
            ),
        )
    ],
    Mutation(
        file=f"{SOURCE}/cache/service.py.jinja",
        old="RetryingStore(store, ttl_seconds=ttl_seconds)",
        new="store",
        test="tests/integration/cache/test_stalls.py::"
        "test_write_while_redis_stalls_is_seen_by_later_reads",
        answers=SERVICES,
        tools=("redis-server",),
    ),
    Mutation(
        file=f"{SOURCE}/cache/items.py.jinja",
        old="after_commit or run_to_the_end",
        new="after_commit or (lambda action: action())",
        test="tests/integration/cache/test_stalls.py::"
        "test_write_cancelled_during_the_invalidation_is_seen",
        answers=SERVICES,
        tools=("redis-server",),
    ),
    Mutation(
        file=f"{DATABASE}/dependencies.py.jinja",
        old="            after_commit.may_be_committed = True\n",
        test="tests/integration/cache/test_stalls.py::test_write_cancelled_after_the_commit_is_seen",
        answers=SERVICES | {"database": "sqlite"},
        tools=("redis-server",),
    ),
    Mutation(
        file=f"{SOURCE}/cache/redis_store.py.jinja",
        old="self._redis.set(keys[1], lease, px=_LEASE_MILLISECONDS)",
        new="self._redis.set(keys[0], value)",
        test="tests/integration/cache/test_late_commands.py::"
        "test_late_set_is_not_kept_after_a_delete",
        answers=SERVICES,
        tools=("redis-server",),
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="    add_rate_limits(app)\n",
        test="tests/integration/rate_limit/test_rate_limit.py::test_rate_limit_is_told_in_every_response",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/rate_limit/lifespan.py.jinja",
        old="        limiter.count_in(storage, guard)\n",
        test="tests/e2e/test_rate_limit.py::test_rate_limit_four_processes_let_exactly_the_limit_through",
        answers=SERVICES,
        tools=("redis-server",),
    ),
    Mutation(
        file=f"{SOURCE}/__main__.py.jinja",
        old="        forwarded_allow_ips=list(settings.trusted_proxies),\n",
        test="tests/e2e/test_serve.py::test_serve_workers_answer_and_stop",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/redis_access.py.jinja",
        old="self._within_limit(operation)",
        new="asyncio.wait_for(operation(), self._timeout_seconds)",
        test="tests/unit/test_redis_access.py::test_guard_stall_of_the_process_is_not_blamed_on_redis",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/rate_limit/middleware.py.jinja",
        old='scope["path"] in self._exempt',
        new='scope["path"] == "/health"',
        test="tests/integration/rate_limit/test_rate_limit.py::test_rate_limit_probes_are_exempt",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/weather/upstream.py.jinja",
        old="asyncio.timeout_at(deadline)",
        new="asyncio.timeout_at(None)",
        test="tests/unit/weather/test_upstream.py::test_upstream_deadline_bounds_all_attempts",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/weather/upstream.py.jinja",
        old="_IDEMPOTENT = frozenset({",
        new='_IDEMPOTENT = frozenset({"POST", ',
        test="tests/unit/weather/test_upstream.py::test_upstream_only_idempotent_calls_are_repeated",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/weather/breaker.py.jinja",
        old="            self._enter(BreakerState.OPEN)\n",
        test="tests/integration/weather/test_weather.py::test_weather_repeated_failures_open_the_circuit",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/edge.py.jinja",
        old='observe_request(scope["method"], route, status, seconds)',
        new='observe_request(scope["method"], scope["path"], status, seconds)',
        test="tests/integration/observability/test_metrics.py::test_metrics_count_requests_by_route_template",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/observability/tracing.py.jinja",
        old="    provider.add_span_processor(RedactingProcessor())\n",
        test="tests/integration/observability/test_tracing.py::test_tracing_values_of_the_query_and_of_errors_are_not_recorded",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/observability/errors.py.jinja",
        old="        before_send=_redact,\n",
        test="tests/integration/observability/test_errors.py::test_errors_report_holds_nothing_that_the_caller_sent",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/observability/errors.py.jinja",
        old="    except Exception:\n        log.warning(",
        new="    except OSError:\n        log.warning(",
        test="tests/integration/observability/test_failures.py::test_requests_failing_telemetry_changes_no_response",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/observability/metrics.py.jinja",
        old="with suppress(Exception):  # such",
        new="with suppress(OSError):  # such",
        test="tests/integration/observability/test_failures.py::test_requests_failing_telemetry_changes_no_response",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/observability/spans.py.jinja",
        old="except Exception as error:",
        new="except OSError as error:",
        test="tests/integration/observability/test_failures.py::test_requests_failing_telemetry_changes_no_response",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/observability/resources.py.jinja",
        old="except Exception:",
        new="except OSError:",
        test="tests/integration/observability/test_failures.py::test_start_failing_telemetry_is_logged",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/observability/processes.py.jinja",
        old="            file.write_bytes(bytes(_FILE_BYTES))\n",
        new="            file.touch()\n",
        test="tests/unit/observability/test_metrics_files.py::test_reserve_space_files_have_their_size_on_the_disk",
        answers=SERVICES,
    ),
    Mutation(
        file=f"{SOURCE}/observability/exposition.py.jinja",
        old="ImpatientHandler.factory(",
        new="MetricsHandler.factory(",
        test="tests/integration/observability/test_peers.py::"
        "test_metrics_port_drops_peers_that_say_nothing",
        answers=SERVICES,
    ),
]
