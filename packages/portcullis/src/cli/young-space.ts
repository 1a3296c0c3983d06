import { setFlagsFromString } from 'node:v8'

/**
 * Lets V8's space for young objects grow again, as it does by default. The program starts with it kept small
 * (bin/portcullis.cjs), because nearly all that a start allocates stays, and V8 would take that for traffic: 11 MB.
 */
export function letYoungSpaceGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
}
