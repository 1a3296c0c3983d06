/** The tools of an upstream that nobody has connected are not known, so its callers hear of it where they are looked up. */
import type { Explain } from './access-explainer.ts'
import type { Stages } from './path.ts'

type Resolve = Stages['resolve']

/** The same stage, whose refusals say to a caller what they mean for it. */
export function explainedResolve(resolve: Resolve, explain: Explain | undefined): Resolve {
  if (explain === undefined) return resolve
  return {
    name: resolve.name,
    check(exchange) {
      const resolved = resolve.check(exchange)
      if (!(resolved instanceof Promise)) return resolved
      return resolved.catch(async (thrown: unknown) => {
        throw await explain(thrown, exchange)
      })
    },
  }
}
