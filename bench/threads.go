// For bench_threads: the time of a trip to a goroutine in a thread of its own and back, in nanoseconds, one line
// for each round.  Arguments: the rounds, and the trips in each.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

func work(requests chan func(), answers chan struct{}) {
	runtime.LockOSThread()
	for request := range requests {
		request()
		answers <- struct{}{}
	}
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[1])
	trips, _ := strconv.Atoi(os.Args[2])
	requests, answers := make(chan func()), make(chan struct{})
	go work(requests, answers)
	for round := 0; round < rounds; round++ {
		started := time.Now()
		for i := 0; i < trips; i++ {
			requests <- func() {}
			<-answers
		}
		fmt.Println(float64(time.Since(started).Nanoseconds()) / float64(trips))
	}
}
