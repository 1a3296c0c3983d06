import type { Answer, Ending, Lasting } from './exchange.ts'

/**
 * Decides what waits for the end of a stream that may be silent for days.
 *
 * A promise that waits in each stage would keep all that is known of a request, about 14 KB. So the walk through the stages is over
 * when such a stream has begun; each stage that has something to do at the end leaves it here, and is called then, in the same order.
 */
export class LastingStream implements Lasting {
  #endings: readonly Ending[] = []
  #ended: Promise<Answer> | undefined

  add(ending: Ending): void {
    if (this.#ended === undefined) this.#endings = this.#endings.concat(ending)
    else this.#ended = passed(this.#ended, ending)
  }

  /** Only the first end counts. */
  end(answer: Answer): void {
    if (this.#ended !== undefined) return
    const endings = this.#endings
    this.#endings = []
    this.#ended = Promise.resolve(answer)
    for (const ending of endings) this.#ended = passed(this.#ended, ending)
  }
}

/** Has `ending` told how the work ended: with its answer, or with the end of the stream that this has become. */
export const whenEnded = (work: Promise<Answer>, ending: Ending): Promise<Answer> =>
  work.then(
    (answer) => {
      if (answer.lasting === undefined) return ending.answered(answer)
      answer.lasting.add(ending)
      return answer
    },
    (thrown: unknown) => ending.failed(thrown),
  )

function passed(work: Promise<Answer>, ending: Ending): Promise<Answer> {
  const next = work.then(
    (answer) => ending.answered(answer),
    (thrown: unknown) => ending.failed(thrown),
  )
  // Whoever comes last has heard of it.
  next.catch(() => {})
  return next
}
