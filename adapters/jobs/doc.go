// Package jobs is the background work, on River (https://riverqueue.com).
//
// [Queue] adds jobs to a transaction of the store. [Worker] runs them, and
// enqueues the periodic ones. Any number of workers may run: River elects one
// leader, which keeps the schedule, and another takes over within seconds. The two
// can be kept apart: [WithoutSchedule] and [ScheduleOnly].
//
// River's tables are in the store's database. The queue is polled: LISTEN does
// not work through PgBouncer's transaction pooling.
package jobs
