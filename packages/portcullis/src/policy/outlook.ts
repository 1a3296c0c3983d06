/** What may become of a request whose arguments or circumstances are not all known. */
import type { Decision } from '../core/decision.ts'

/** `depends` only where the request holds something unknown; `decision` then names a policy that could permit it. */
export type Outlook = { readonly effect: 'allow' | 'deny' | 'depends'; readonly decision: Decision }
