/*
 * The tour itself: which scenes there are, what is said about each, and how they are played, one after the
 * other on the real clock. Each has a coil_run of its own, as a program has, and a Ctrl-C cancels it.
 */
#include "tour.h"

#include <coil.h>

#include <errno.h>

#include "scenes.h"
#include "terminal.h"

static const struct scene {
    coil_fn *fn;
    const char *title;
    const char *about;
    bool debug;
} scenes[] = {
    {scene_coroutines, "Coroutines", "A coroutine can pause where it waits for something; other code runs meanwhile.",
     false},
    {scene_run, "coil_run", "Makes an event loop, runs main in it to its end, and cleans up what is left.", false},
    {scene_tasks, "Tasks", "A task runs a coroutine beside the others. Only to await it makes one wait.", false},
    {scene_cancelling, "Cancelling", "A cancellation arrives where a task waits, and nowhere else.", false},
    {scene_timeouts, "Timeouts", "coil_wait_for waits so long and no longer, then cancels what it waited for.", false},
    {scene_shields, "Timeouts with a shield", "Behind a shield, the task runs on when the wait for it is given up.",
     false},
    {scene_futures, "Futures", "A future is a value that one expects to get, but may not have yet.", false},
    {scene_relationship, "How they are related",
     "A task is a future that a coroutine completes: the same calls work on both.", false},
    {scene_debug_mode, "Debug mode", "Finds what blocks the loop, and more. COIL_DEBUG=1 switches it on, too.", true},
};

struct play {
    const struct scene *scene;
    bool (*interrupted)(void);
};

/* From here on a Ctrl-C cancels this task; one that came before has to be asked for. */
static int play(void *arg)
{
    const struct play *play = arg;

    return play->interrupted() ? -EINTR : play->scene->fn(NULL);
}

int tour_play(bool (*interrupted)(void))
{
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        struct play this = {.scene = &scenes[i], .interrupted = interrupted};
        terminal_title(scenes[i].title, scenes[i].about);
        int rc = coil_run(play, &this, .handle_sigint = true, .debug = scenes[i].debug);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}
