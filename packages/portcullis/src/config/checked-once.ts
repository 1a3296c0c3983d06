/**
 * Decides that schemas are followed and not compiled: a configuration is checked once, and to compile the checks takes longer than
 * they do, and 3 MB. Comes before all schemas, which ask for it when they are made.
 */
import { z } from 'zod'

z.config({ jitless: true })
