import { z } from 'zod';

/** Free-form, one key a component. */
export const DebugResponse = z.record(z.string(), z.unknown());

/** Bacalhau's tree of settings; secrets are `********`. */
export const ConfigResponse = z.object({ config: z.record(z.string(), z.unknown()) });
export type ConfigResponse = z.infer<typeof ConfigResponse>;

/** `Config` is empty: there is no single sign-on. */
export const AuthConfigResponse = z.object({ Version: z.literal('1.0.0'), Config: z.object({}) });
export type AuthConfigResponse = z.infer<typeof AuthConfigResponse>;
