/* Callbacks: functions that the loop calls. They must not await. */
#include <coil.h>

#include <stdio.h>

static void say(void *userdata)
{
    printf("%s\n", (const char *)userdata);
}

static void finish(void *userdata)
{
    (void)coil_future_set_result(userdata, 0); /* it is pending: nobody else completes it */
}

static int main_(void *arg)
{
    coil_future *end = coil_future_new();

    (void)arg;
    coil_call_soon(say, "soon");
    coil_call_later(2.0, say, "after two seconds");
    coil_handle_cancel(coil_call_later(1.0, say, "never"));
    coil_call_at(coil_time() + 3.0, finish, end);
    printf("asked for\n");
    return coil_join(end);
}

int main(void)
{
    return coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL) < 0;
}
