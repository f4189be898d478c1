/*
 * Thousands of schedules: tasks that use one lock, semaphore, condition, barrier or queue, cancelled at random, with what is ready run
 * in a random order that the seed gives. What must always hold is checked all the time; that no wake-up is lost shows by the end's
 * being reached: else the run is a deadlock.
 */
#include "clients.h"
#include "suites.h"

enum { SEEDS = CI_WITH_TSAN || CI_WITH_ASAN ? 500 : 2500, TASKS = 6, STEPS = 12, REQUESTS = 40 };

/* ---- chance ---------------------------------------------------------------------------------------------------------- */

static uint64_t chance;

static unsigned below(unsigned n)
{
    chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(chance >> 40) % n;
}

/* Whether rc is a cancellation, which is taken back then: the task goes on. */
static bool was_cancelled(int rc)
{
    if (rc != -ECANCELED) {
        return false;
    }
    while (coil_cancelling(coil_current_task()) > 0) {
        (void)coil_uncancel(coil_current_task());
    }
    return true;
}

static void dawdle(void)
{
    unsigned how = below(6);

    if (how > 0) {
        (void)was_cancelled(coil_sleep(how == 1 ? 0.5 : how == 2 ? 1 : 0));
    }
}

/* ---- the frame ------------------------------------------------------------------------------------------------------- */

struct play {
    void (*begin)(void);
    coil_fn *actor; /* gets the address of its number */
    void (*end)(void);
};

static const struct play *play;
static coil_task *actors[TASKS];

static void cancel_some(void)
{
    for (int i = 0; i < REQUESTS; i++) {
        (void)coil_cancel(actors[below(TASKS)]); /* some are done already */
        ck_assert_int_eq(coil_sleep(below(3) == 0 ? 1 : 0), 0);
    }
}

static int perform(void *unused)
{
    (void)unused;
    play->begin();
    for (int i = 0; i < TASKS; i++) {
        actors[i] = coil_create_task(play->actor, &i, .arg_size = sizeof(i));
        ck_assert_ptr_nonnull(actors[i]);
    }
    let_pass(2); /* all have begun: one that is cancelled before its first step never would */
    cancel_some();
    if (play->end != NULL) {
        play->end();
    }
    for (int i = 0; i < TASKS; i++) {
        ck_assert_int_eq(coil_join(actors[i]), 0);
    }
    return 0;
}

static void perform_often(const struct play *what)
{
    play = what;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        chance = seed * 2 + 1;
        run_fn = perform;
        int rc = coil_run(run_listening, NULL, .clock = COIL_CLOCK_VIRTUAL, .seed = seed / 2);
        ck_assert_msg(rc == 0, "seed %u: %s", (unsigned)seed, coil_strerror(rc));
    }
}

/* ---- lock ------------------------------------------------------------------------------------------------------------ */

static coil_lock lock;
static int inside;

static void begin_lock(void)
{
    coil_lock_init(&lock);
}

static int use_lock(void *unused)
{
    (void)unused;
    for (int i = 0; i < STEPS; i++) {
        if (!was_cancelled(coil_lock_acquire(&lock))) {
            ck_assert_int_eq(inside++, 0);
            ck_assert(coil_lock_locked(&lock));
            dawdle();
            ck_assert_int_eq(--inside, 0);
            ck_assert_int_eq(coil_lock_release(&lock), 0);
        }
        dawdle();
    }
    return 0;
}

START_TEST(a_lock_has_one_holder_and_forgets_nobody)
    {
        perform_often(&(const struct play){begin_lock, use_lock, NULL});
        ck_assert(!coil_lock_locked(&lock));
        ck_assert_uint_eq(lock.live_, 0);
    }
END_TEST

/* ---- semaphore ------------------------------------------------------------------------------------------------------- */

static coil_semaphore semaphore;
static long units;

static void begin_semaphore(void)
{
    ck_assert_uint_eq(semaphore.live_, 0);
    ck_assert_int_eq(semaphore.value_, units); /* all units of the last play are back */
    units = 1 + (long)below(3);
    ck_assert_int_eq(coil_bounded_semaphore_init(&semaphore, units), 0);
}

static int use_semaphore(void *unused)
{
    (void)unused;
    for (int i = 0; i < STEPS; i++) {
        if (!was_cancelled(coil_semaphore_acquire(&semaphore))) {
            ck_assert_int_le(++inside, units);
            dawdle();
            inside--;
            ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
        }
        dawdle();
    }
    return 0;
}

START_TEST(a_semaphore_loses_no_unit_and_makes_none)
    {
        perform_often(&(const struct play){begin_semaphore, use_semaphore, NULL});
        ck_assert_int_eq(semaphore.value_, units);
    }
END_TEST

/* ---- condition: a bounded buffer by hand ----------------------------------------------------------------------------- */

static coil_condition not_empty;
static coil_condition not_full;
static int stock;
static int wanted;

static bool has_stock(void *unused)
{
    (void)unused;
    return stock > 0;
}

static bool has_room(void *unused)
{
    (void)unused;
    return stock < 2;
}

static void begin_conditions(void)
{
    coil_lock_init(&lock);
    coil_condition_init(&not_empty, &lock);
    coil_condition_init(&not_full, &lock);
    stock = 0;
}

static int change_stock(coil_condition *mine, bool (*possible)(void *), int change, coil_condition *others)
{
    if (was_cancelled(coil_lock_acquire(&lock))) {
        return -EAGAIN;
    }
    int rc = coil_condition_wait_for(mine, possible, NULL);
    ck_assert(coil_lock_locked(&lock));
    ck_assert_int_eq(inside++, 0);
    if (rc == 0) {
        stock += change;
        ck_assert_int_eq(coil_condition_notify(others, 1), 0);
        dawdle();
    }
    inside--;
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    return was_cancelled(rc) ? -EAGAIN : rc;
}

/* Half of them put, half of them take, each so often; only what happened counts, so it comes out even. */
static int use_conditions(void *arg)
{
    bool puts = *(int *)arg % 2 == 0;

    for (int i = 0; i < STEPS;) {
        int rc = puts ? change_stock(&not_full, has_room, 1, &not_empty)
                      : change_stock(&not_empty, has_stock, -1, &not_full);
        ck_assert(rc == 0 || rc == -EAGAIN);
        i += rc == 0;
        wanted += rc == 0 ? (puts ? 1 : -1) : 0;
        dawdle();
    }
    return 0;
}

START_TEST(a_condition_loses_no_notification)
    {
        perform_often(&(const struct play){begin_conditions, use_conditions, NULL});
        ck_assert_int_eq(wanted, 0);
        ck_assert_int_eq(stock, 0);
    }
END_TEST

/* ---- barrier --------------------------------------------------------------------------------------------------------- */

static coil_barrier barrier;

static void begin_barrier(void)
{
    ck_assert_int_eq(coil_barrier_init(&barrier, 3), 0);
}

static int use_barrier(void *unused)
{
    int rc;

    (void)unused;
    do {
        rc = coil_barrier_wait(&barrier);
        ck_assert_int_lt(rc, 3);
        ck_assert_uint_le(coil_barrier_waiting(&barrier), 2);
        dawdle();
    } while (was_cancelled(rc) || rc >= 0);
    ck_assert_int_eq(rc, -EPIPE);
    return 0;
}

static void end_barrier(void)
{
    ck_assert_int_eq(coil_barrier_abort(&barrier), 0);
}

START_TEST(a_barrier_keeps_nobody_once_it_is_broken)
    {
        perform_often(&(const struct play){begin_barrier, use_barrier, end_barrier});
    }
END_TEST

/* ---- event ----------------------------------------------------------------------------------------------------------- */

static coil_event event;
static bool over;

static void begin_event(void)
{
    coil_event_init(&event);
    over = false;
}

static int use_event(void *arg)
{
    while (!over) {
        if (*(int *)arg == 0) {
            dawdle();
            coil_event_set(&event);
            coil_event_clear(&event);
            (void)was_cancelled(coil_sleep(1));
        } else {
            (void)was_cancelled(coil_event_wait(&event));
        }
    }
    return 0;
}

static void end_event(void)
{
    over = true;
    coil_event_set(&event);
}

START_TEST(an_event_wakes_everybody)
    {
        perform_often(&(const struct play){begin_event, use_event, end_event});
    }
END_TEST

/* ---- queue ----------------------------------------------------------------------------------------------------------- */

enum { VALUES = TASKS * STEPS };

static coil_queue *queue;
static enum coil_queue_order order;
static bool is_in[VALUES];   /* put, and not yet got */
static int arrivals[VALUES]; /* in this order */
static int arrived, departed;

static int compare_values(const void *a, const void *b)
{
    return *(const int *)a % STEPS - *(const int *)b % STEPS;
}

static void begin_queue(void)
{
    queue = coil_queue_new(sizeof(int), below(4), .order = order, .compare = compare_values);
    ck_assert_ptr_nonnull(queue);
    arrived = departed = 0;
}

static void put_value(int value)
{
    int rc = below(5) == 0 ? coil_queue_put_nowait(queue, &value) : coil_queue_put(queue, &value);

    if (rc == 0) {
        ck_assert(!is_in[value]);
        is_in[value] = true;
        arrivals[arrived++] = value;
    } else if (rc != -EAGAIN) {
        ck_assert(was_cancelled(rc)); /* then it must not be in */
    }
}

/* Whether there may be more. */
static bool get_value(void)
{
    int value;
    int rc = below(5) == 0 ? coil_queue_get_nowait(queue, &value) : coil_queue_get(queue, &value);

    if (rc == 0) {
        ck_assert(is_in[value]);
        is_in[value] = false;
        ck_assert(order != COIL_FIFO || value == arrivals[departed]);
        departed++;
        ck_assert_uint_eq(coil_queue_size(queue), (size_t)(arrived - departed));
        dawdle();
        ck_assert_int_eq(coil_queue_task_done(queue), 0);
        return true;
    }
    if (rc == -EAGAIN) {
        dawdle();
        return true;
    }
    return was_cancelled(rc) || rc != -ESHUTDOWN;
}

static int use_queue(void *arg)
{
    int me = *(int *)arg;
    coil_queue *mine = coil_queue_ref(queue);

    for (int i = 0; me % 2 == 0 && i < STEPS; i++) {
        put_value(me * STEPS + i);
        dawdle();
    }
    while (me % 2 != 0 && get_value()) {
        dawdle();
    }
    coil_queue_unref(mine);
    return 0;
}

/* What was put must all be got, without a shutdown to wake who was forgotten. */
static void end_queue(void)
{
    for (int i = 0; i < TASKS; i += 2) {
        ck_assert_int_eq(coil_await(actors[i]), 0);
    }
    ck_assert_int_eq(coil_queue_join(queue), 0);
    ck_assert_int_eq(arrived, departed);
    ck_assert_uint_eq(coil_queue_size(queue), 0);
    ck_assert_int_eq(coil_queue_shutdown(queue, below(2) == 0), 0);
    coil_queue_unref(queue);
}

static void stress_queue(enum coil_queue_order of_order)
{
    order = of_order;
    perform_often(&(const struct play){begin_queue, use_queue, end_queue});
}

START_TEST(a_queue_loses_nothing_and_doubles_nothing)
    {
        stress_queue(COIL_FIFO);
    }
END_TEST

START_TEST(neither_does_one_of_the_other_orders)
    {
        stress_queue(COIL_LIFO);
        stress_queue(COIL_PRIORITY);
    }
END_TEST

Suite *stress_suite(void)
{
    Suite *suite = suite_create("stress");
    TCase *tests = tcase_create("stress");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_lock_has_one_holder_and_forgets_nobody);
    tcase_add_test(tests, a_semaphore_loses_no_unit_and_makes_none);
    tcase_add_test(tests, a_condition_loses_no_notification);
    tcase_add_test(tests, a_barrier_keeps_nobody_once_it_is_broken);
    tcase_add_test(tests, an_event_wakes_everybody);
    tcase_add_test(tests, a_queue_loses_nothing_and_doubles_nothing);
    tcase_add_test(tests, neither_does_one_of_the_other_orders);
    suite_add_tcase(suite, tests);
    return suite;
}
