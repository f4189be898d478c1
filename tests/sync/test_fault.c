/*
 * A scenario of the whole room with the n-th allocation or system call failing, for every n. It must come to its end, or to an
 * error that the failure explains, and nothing may be lost, left over, or waited for in vain.
 */
#include <stdio.h>

#include "clients.h"
#include "suites.h"
#include "tests/support/fault_driver.h"

/* In the run there is no Check to tell: what is wrong ends the process, and the driver says at which call. */
static void must(bool condition, int line)
{
    if (!condition) {
        fprintf(stderr, "test_fault.c:%d: not as it must be\n", line);
        abort();
    }
}

#define MUST(condition) must((condition), __LINE__)

static bool is_explained(int rc)
{
    return rc == -ENOMEM || rc == -EIO || rc == -EAGAIN;
}

/* ---- a pipeline: producers, a bounded queue, workers, results by priority -------------------------------------------- */

enum { ITEMS = 60, WORKERS = 3 };

struct plant {
    coil_queue *jobs;
    coil_queue *results;
    coil_semaphore machines;
    coil_lock book;
    int booked;
    int lost; /* results for which there was no memory */
};

static int produce(void *arg)
{
    struct plant *plant = arg;

    for (int i = 0; i < ITEMS; i++) {
        int rc = coil_queue_put(plant->jobs, &i);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int process(struct plant *plant, int job)
{
    int rc = coil_semaphore_acquire(&plant->machines);

    MUST(rc == 0);
    (void)coil_sleep(0);
    rc = coil_queue_put(plant->results, &job);
    MUST(rc == 0 || is_explained(rc));
    plant->lost += rc < 0;
    MUST(coil_semaphore_release(&plant->machines) == 0);
    MUST(coil_lock_acquire(&plant->book) == 0);
    plant->booked++;
    MUST(coil_lock_release(&plant->book) == 0);
    return coil_queue_task_done(plant->jobs);
}

static int labour(void *arg)
{
    struct plant *plant = arg;
    int job, rc;

    while ((rc = coil_queue_get(plant->jobs, &job)) == 0) {
        MUST(process(plant, job) == 0);
    }
    MUST(rc == -ESHUTDOWN);
    return 0;
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void inspect(struct plant *plant)
{
    int result, last = -1, count = 0;

    MUST(plant->booked == ITEMS);
    MUST(!coil_lock_locked(&plant->book));
    MUST(plant->machines.value_ == 2);
    while (coil_queue_get_nowait(plant->results, &result) == 0) {
        MUST(result > last);
        last = result;
        count++;
    }
    MUST(count + plant->lost == ITEMS);
}

static int run_plant(struct plant *plant)
{
    coil_group group;
    int workers = 0;

    coil_group_begin(&group);
    for (int i = 0; i < WORKERS; i++) {
        workers += coil_group_spawn(&group, labour, plant) == 0;
    }
    int rc = workers == 0 ? coil_creation_error() : coil_join(coil_create_task(produce, plant));
    if (rc == 0) {
        rc = coil_queue_join(plant->jobs);
        MUST(rc == 0);
        inspect(plant);
    }
    MUST(plant->jobs == NULL || coil_queue_shutdown(plant->jobs, rc < 0) == 0);
    int ended = coil_group_end(&group, 0);
    return rc < 0 ? rc : ended;
}

static int plant_main(void *unused)
{
    struct plant plant = {.machines = COIL_BOUNDED_SEMAPHORE_INIT(2), .book = COIL_LOCK_INIT};

    (void)unused;
    plant.jobs = coil_queue_new(sizeof(int), 4);
    plant.results = coil_queue_new(sizeof(int), 0, .order = COIL_PRIORITY, .compare = compare_ints);
    int rc = plant.jobs == NULL || plant.results == NULL ? coil_creation_error() : run_plant(&plant);
    coil_queue_unref(plant.jobs);
    coil_queue_unref(plant.results);
    return rc;
}

/* ---- values local to tasks ------------------------------------------------------------------------------------------- */

static int destroyed;

static void count_destroyed(void *value)
{
    free(value);
    destroyed++;
}

static const coil_local_key keys[] = {COIL_LOCAL_KEY_INIT(count_destroyed), COIL_LOCAL_KEY_INIT(count_destroyed),
                                      COIL_LOCAL_KEY_INIT(count_destroyed), COIL_LOCAL_KEY_INIT(count_destroyed),
                                      COIL_LOCAL_KEY_INIT(count_destroyed), COIL_LOCAL_KEY_INIT(count_destroyed)};

enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static int made;

static void set(const coil_local_key *key)
{
    void *before = coil_local_get(key);
    void *value = malloc(1);
    int rc = coil_local_set(key, value);

    made++;
    if (rc < 0) {
        MUST(is_explained(rc));
        MUST(coil_local_get(key) == before);
        count_destroyed(value);
    } else {
        MUST(coil_local_get(key) == value);
    }
}

static int use_locals(void *deeper)
{
    for (int i = 0; i < KEYS; i++) {
        set(&keys[i]);
        (void)coil_sleep(0);
    }
    coil_task *task = deeper == NULL ? NULL : coil_create_task(use_locals, NULL);
    for (int i = 0; i < KEYS; i += 2) {
        set(&keys[i]);
        int rc = coil_local_set(&keys[i + 1], NULL);
        MUST(rc == 0 || is_explained(rc));
        (void)coil_sleep(0);
    }
    coil_unref(task);
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------- */

static int scenario_main(void *unused)
{
    int rc = plant_main(unused);

    MUST(rc == 0 || is_explained(rc));
    coil_unref(coil_create_task(use_locals, &destroyed));
    (void)use_locals(&destroyed);
    for (int i = 0; i < 100; i++) {
        (void)coil_sleep(0);
    }
    return rc;
}

static void scenario(void *unused)
{
    (void)unused;
    int rc = coil_run(scenario_main, NULL, .clock = COIL_CLOCK_VIRTUAL);

    MUST(rc == 0 || is_explained(rc));
    MUST(destroyed == made);
}

START_TEST(every_call_may_fail)
    {
        const struct ci_fault_plan plan = {.scenario = scenario};

        ck_assert_int_gt(ci_fault_drive(&plan), 20);
    }
END_TEST

START_TEST(all_calls_may_fail_from_one_on)
    {
        const struct ci_fault_plan plan = {.scenario = scenario, .calls = "malloc realloc mmap", .in_a_row = -1};

        ck_assert_int_gt(ci_fault_drive(&plan), 10);
    }
END_TEST

Suite *sync_fault_suite(void)
{
    Suite *suite = suite_create("sync_fault");
    TCase *tests = tcase_create("sync_fault");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, every_call_may_fail);
    tcase_add_test(tests, all_calls_may_fail_from_one_on);
    suite_add_tcase(suite, tests);
    return suite;
}
