// What runs in the thread of `slow-thread.test.ts`.
import { answerTasks } from '../../src/inspection/slow-work.ts'

/** Names of the tasks that were begun, in their order. */
const begun: string[] = []

answerTasks(({ name, how = 'answer' }: { readonly name: string; readonly how?: string }): readonly string[] => {
  if (how === 'exit') process.exit(3)
  if (how === 'throw') throw new Error(`cannot do ${name}`)
  begun.push(name)
  if (how === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  return [...begun]
})
