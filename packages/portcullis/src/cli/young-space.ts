import { setFlagsFromString } from 'node:v8'

/**
 * Lets V8's space for young objects grow again. The program starts with it kept small (bin/portcullis.cjs), because nearly
 * all that a start allocates stays, and V8 would take that for traffic: 11 MB. At rest V8 makes it small again; in few large
 * steps it is what the next burst needs after a dozen collections, by doubling it is after sixty.
 */
export function letYoungSpaceGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=8')
}
