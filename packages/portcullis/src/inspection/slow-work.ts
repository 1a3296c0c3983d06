/** The other end of `slow-thread.ts`, inside the thread. */
import { parentPort } from 'node:worker_threads'
import type { SlowReport } from './slow-thread.ts'

/** Answers each task by what `work` returns; what it throws fails that task alone. */
export function answerTasks<Task, Answer>(work: (task: Task) => Answer): void {
  const report = (task: Task): SlowReport<Answer> => {
    try {
      return { answer: work(task) }
    } catch (thrown) {
      return { failed: String(thrown) }
    }
  }
  parentPort?.on('message', (task: Task) => parentPort?.postMessage(report(task), []))
}
