/* A program with an ordering bug, run in many orders: some seed finds it, and the same seed finds it again. */
#include <coil.h>

#include <stdio.h>

struct account {
    int balance;
};

/* The bug: what was read before the pause is written after it. */
static int deposit(void *arg)
{
    struct account *account = arg;
    int balance = account->balance;

    int rc = coil_sleep(0);
    if (rc < 0) {
        return rc;
    }
    account->balance = balance + 1;
    return 0;
}

static int audit(void *arg)
{
    struct account *account = arg;
    coil_task *first = coil_create_task(deposit, account);
    int rc = coil_sleep(0); /* "surely that one is through before the next" */
    coil_task *second = coil_create_task(deposit, account);
    int first_rc = coil_join(first);
    int second_rc = coil_join(second);
    return rc < 0 ? rc : first_rc < 0 ? first_rc : second_rc;
}

static int balance_with(uint64_t seed)
{
    struct account account = {0};

    int rc = coil_run(audit, &account, .seed = seed);
    return rc < 0 ? rc : account.balance;
}

int main(void)
{
    uint64_t seed = 1;

    printf("without a seed: %d\n", balance_with(0));
    while (seed < 1000 && balance_with(seed) == 2) {
        seed++;
    }
    printf("a seed finds a lost deposit: %s\n", seed < 1000 ? "yes" : "no");
    printf("the same seed again: %d\n", balance_with(seed));
    return 0;
}
