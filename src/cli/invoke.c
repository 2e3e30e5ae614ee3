/*
 * cli/invoke.c - see cli/invoke.h.
 *
 * Which command is meant, then its arguments, then the configuration, then its work; whatever fails is told here, once,
 * and becomes an exit status.
 */
#include "cli/invoke.h"

#include "base/log.h"
#include "cli/exit.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>

/* ---- from argv to a row ---------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* "pitr-archive" is "pitr archive". */
static const struct command *command_of_link(const char *program)
{
    return strncmp(program, "pitr-", 5) == 0 ? command_named(program + 5) : NULL;
}

/*
 * No command could be made out. Was fetch meant? Then the caller is a server in recovery, which a status of 2 would
 * make end recovery and promote: a mistyped restore_command must not lose data.
 */
static enum command_id command_meant(char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct command *c = command_near(words[i]);

        if (c != NULL && (c->id == COMMAND_FETCH || c->id == COMMAND_FETCH_AHEAD))
            return COMMAND_FETCH;
    }
    return COMMAND_COUNT;
}

static enum err_code refuse_command(const char *word, struct err *e)
{
    const struct command *near;

    if (word == NULL) {
        err_set(e, ERR_USAGE, "no command is given");
        return err_hint(e, "%s", "Try \"pitr --help\".");
    }
    if (word[0] == '-') {
        err_set(e, ERR_USAGE, "option \"%.64s\" stands where a command should", word);
        return err_hint(e, "%s",
                        "Options go behind the command: pitr COMMAND [OPTION]… Try \"pitr --help\".");
    }
    near = command_near(word);
    err_set(e, ERR_USAGE, "unknown command \"%.64s\"", word);
    if (near != NULL)
        return err_hint(e, "Did you mean \"%s\"? Try \"pitr --help\".", near->name);
    return err_hint(e, "%s", "Try \"pitr --help\".");
}

/* ---- running one ----------------------------------------------------------------------------------------------- */

static void tell(const struct err *e)
{
    if (e->text[0] == '\0')
        return;
    log_error("%s", e->text);
    if (e->hint[0] != '\0')
        log_hint("%s", e->hint);
}

/*
 * fetch is asked for what need not be there (the next timeline's history, the segment behind the last), so that
 * "not there" is an answer and no error; and an outage that is to count as such an answer is at least a warning.
 */
static void tell_fetch(const struct err *e, bool unreachable_absent)
{
    if (e->code == ERR_ABSENT)
        log_info("%s", e->text);
    else if (e->code == ERR_UNREACHABLE && unreachable_absent)
        log_warning("%s, answering that it is not there", e->text);
    else
        tell(e);
}

static enum log_level log_level_of(const struct settings *s)
{
    int64_t level = LOG_LEVEL_INFO + s->at[OPTION_VERBOSE].number - s->at[OPTION_QUIET].number;

    if (level < LOG_LEVEL_ERROR)
        return LOG_LEVEL_ERROR;
    return level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : (enum log_level) level;
}

static enum err_code check_operands(const struct command *c, const struct arguments *a, struct err *e)
{
    if (a->operand_count >= c->operands_min && a->operand_count <= c->operands_max)
        return ERR_OK;
    if (a->operand_count > c->operands_max)
        err_set(e, ERR_USAGE, "unexpected argument \"%s\"", a->operands[c->operands_max]);
    else
        err_set(e, ERR_USAGE, "\"%s\" needs %s", c->name, c->operands);
    return err_hint(e, "Usage: pitr %s %s", c->name, c->synopsis);
}

/* --help and --version, whatever else is given. */
static bool show_and_leave(const struct invocation *in)
{
    if (in->arguments.settings.at[OPTION_HELP].is_given)
        help_command(in->command, in->out);
    else if (in->arguments.settings.at[OPTION_VERSION].is_given)
        fprintf(in->out, "%s\n", VERSION_TEXT);
    else
        return false;
    return true;
}

static const char *environment(const char *variable)
{
    return getenv(variable);
}

static enum err_code parse_and_run(struct invocation *in, const char *program, char *const *words,
                                   size_t count, struct err *e)
{
    const struct command *c = in->command;

    if (arguments_parse(c->id, words, count, &in->arguments, e) != ERR_OK)
        return e->code;
    log_init(program, log_level_of(&in->arguments.settings));
    if (show_and_leave(in))
        return output_flush(in->out, e);
    if (check_operands(c, &in->arguments, e) != ERR_OK)
        return e->code;
    if (c->needs_cluster && configure(&in->arguments.settings, environment, &in->configured, e) != ERR_OK)
        return e->code;
    return run(in, e);
}

static int run_command(const struct command *c, const char *program, char *const *words, size_t count)
{
    struct invocation in = {.command = c, .words = words, .word_count = count, .out = stdout};
    struct err e = ERR_NONE;
    enum err_code code;
    bool unreachable_absent;

    exit_on_signals(c->id);
    code = parse_and_run(&in, program, words, count, &e);
    /* For a standby that can stream; a restore that follows a plan must not end early, whatever the file says. */
    unreachable_absent = settings_number(&in.configured.layers, OPTION_UNREACHABLE) == 1 &&
                         !in.arguments.settings.at[OPTION_PATH].is_given;
    if (code != ERR_OK && c->id == COMMAND_FETCH)
        tell_fetch(&e, unreachable_absent);
    else if (code != ERR_OK)
        tell(&e);
    configured_clear(&in.configured);
    arguments_clear(&in.arguments);
    return exit_status(c->id, code, unreachable_absent);
}

/* "pitr --help" and "pitr --version"; -1 when it is neither. */
static int run_program(const char *word)
{
    struct err e = ERR_NONE;

    if (word != NULL && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0))
        help_program(stdout);
    else if (word != NULL && strcmp(word, "--version") == 0)
        fprintf(stdout, "%s\n", VERSION_TEXT);
    else
        return -1;
    if (output_flush(stdout, &e) != ERR_OK)
        tell(&e);
    return exit_status(COMMAND_COUNT, e.code, false);
}

int invoke(int argc, char **argv)
{
    const char *program = argc > 0 ? base_name(argv[0]) : "pitr";
    const struct command *c = command_of_link(program);
    size_t count = argc > 0 ? (size_t) argc - 1 : 0;
    struct err e = ERR_NONE;
    int status;

    log_init(c == NULL ? "pitr" : program, LOG_LEVEL_INFO);
    if (c != NULL)
        return run_command(c, program, argv + 1, count);
    c = count > 0 ? command_named(argv[1]) : NULL;
    if (c != NULL)
        return run_command(c, "pitr", argv + 2, count - 1);
    status = run_program(count > 0 ? argv[1] : NULL);
    if (status >= 0)
        return status;
    refuse_command(count > 0 ? argv[1] : NULL, &e);
    tell(&e);
    return exit_status(command_meant(argv + 1, count), e.code, false);
}
