/**
 * Decides what the engine may forget while nobody calls.
 *
 * When a program rests for some seconds, V8 collects garbage thoroughly, and by default it then drops the shapes of objects
 * of which none is alive just now, as those of a call between two calls. All code that was compiled for them goes with them:
 * 350 functions of a gateway that had served 30,000 calls, and the next thousands of calls cost twice as much.
 */
import { setFlagsFromString } from 'node:v8'

/** Collections that a shape without objects survives; compiled code refers to a bounded number of them. */
const SURVIVED_COLLECTIONS = 1_000

/** Engines that know how to collect at rest without giving up everything; an older one would complain of the word. */
const KNOWING = /^1[34]\./

/** Call it before code is compiled: only what is compiled afterwards is kept. Garbage is still collected at rest. */
export function keepCodeWarm(): void {
  setFlagsFromString(`--retain-maps-for-n-gc=${SURVIVED_COLLECTIONS}`)
  if (KNOWING.test(process.versions.v8)) setFlagsFromString('--no-memory-reducer-favors-memory')
}
