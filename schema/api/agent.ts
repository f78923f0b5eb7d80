import { z } from 'zod';

export const DebugResponse = z.record(z.string(), z.unknown()).describe('Free-form, one key a component.');

/** Bacalhau's tree of settings; secrets are `********`. */
export const ConfigResponse = z.object({
  config: z
    .record(z.string(), z.unknown())
    .describe('The settings in force as Bacalhau’s tree, and below `Shoal` each by its name. A secret is `********`.'),
});
export type ConfigResponse = z.infer<typeof ConfigResponse>;

export const ReadyResponse = z.object({ Status: z.literal('OK').describe('The database answers.') });

export const AuthConfigResponse = z.object({
  Version: z.literal('1.0.0').describe('Of the form of this answer.'),
  Config: z.object({}).describe('Empty: there is no single sign-on.'),
});
export type AuthConfigResponse = z.infer<typeof AuthConfigResponse>;
