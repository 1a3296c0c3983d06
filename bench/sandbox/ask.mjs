// One line to a server, and the next line back.
const PATIENCE_MS = 30_000

/** Prepares a session for questions, one at a time. Rejects with the words of a server that ended or said nothing. */
export function asking(session) {
  let waiting
  session.onLine((line) => waiting?.resolve(line))
  session.onEnd((errors) => waiting?.reject(new Error(errors || 'it ended without an answer')))
  return (line) => {
    waiting = Promise.withResolvers()
    session.send(line)
    return waiting.promise
  }
}

/** The same, for an answer that may never come. */
export function inTime(promise) {
  const { promise: late, reject } = Promise.withResolvers()
  const timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
