import { z } from 'zod';
import { AuthConfigResponse, ConfigResponse, DebugResponse } from '../../../schema/api/agent.ts';
import * as auth from '../../../schema/api/auth.ts';
import { Amounts, ApiError } from '../../../schema/api/common.ts';
import { Execution, ListExecutionsResponse } from '../../../schema/api/execution.ts';
import { JobHistory, ListHistoryResponse } from '../../../schema/api/history.ts';
import * as job from '../../../schema/api/job.ts';
import * as node from '../../../schema/api/node.ts';
import { Nanos } from '../../../schema/api/raw-integer.ts';
import { SubmissionInput } from '../../../schema/job/input.ts';
import { Task } from '../../../schema/job/job.ts';
import { API_VERSION, SHOAL_VERSION } from '../../../schema/version.ts';
import type { Operation, Parameter, Schemas } from './operation.ts';
import { operations } from './operations.ts';

const schemas: Schemas = {
  Amounts,
  ApiError,
  AuthConfigResponse,
  AuthMethod: auth.AuthMethod,
  AuthenticateRequest: auth.AuthenticateRequest,
  AuthenticateResponse: auth.AuthenticateResponse,
  AliveResponse: node.AliveResponse,
  ChangeNodeRequest: node.ChangeNodeRequest,
  ChangeNodeResponse: node.ChangeNodeResponse,
  ConfigResponse,
  CreateTokenRequest: auth.CreateTokenRequest,
  CreateTokenResponse: auth.CreateTokenResponse,
  DebugResponse,
  DeleteTokenResponse: auth.DeleteTokenResponse,
  DiffJobResponse: job.DiffJobResponse,
  Execution,
  GetJobResponse: job.GetJobResponse,
  GetNodeResponse: node.GetNodeResponse,
  Job: job.Job,
  JobHistory,
  ListAuthMethodsResponse: auth.ListAuthMethodsResponse,
  ListExecutionsResponse,
  ListHistoryResponse,
  ListJobsResponse: job.ListJobsResponse,
  ListNodesResponse: node.ListNodesResponse,
  ListResultsResponse: job.ListResultsResponse,
  ListTokensResponse: auth.ListTokensResponse,
  NodeInfo: node.NodeInfo,
  NodeState: node.NodeState,
  RerunJobRequest: job.RerunJobRequest,
  RerunJobResponse: job.RerunJobResponse,
  StopJobRequest: job.StopJobRequest,
  StopJobResponse: job.StopJobResponse,
  SubmitJobRequest: SubmissionInput,
  SubmitJobResponse: job.SubmitJobResponse,
  DryRunResponse: job.DryRunResponse,
  Task,
  Token: auth.Token,
  VersionInfo: node.VersionInfo,
};

const refTo = (name: string) => `#/components/schemas/${name}`;

/** The API as OpenAPI 3.1, made from the schemas that its code is checked against. */
export function makeDocument(): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Shoal',
      version: SHOAL_VERSION,
      description:
        `Bacalhau’s HTTP API of ${API_VERSION.GitVersion}. Keys of a request match in any case, unknown ones are ignored ` +
        'and null means absent. The query key `pretty` indents any answer.',
      license: { name: 'Apache-2.0' },
    },
    security: [{ bearer: [] }, { basic: [] }, {}],
    paths: pathsOf(operations),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
      schemas: schemaObjects(),
    },
  };
}

function schemaObjects(): Record<string, unknown> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) if (!registry.has(schema)) registry.add(schema, { id });
  const { schemas: made } = z.toJSONSchema(registry, {
    uri: refTo,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema !== Nanos) return;
      delete jsonSchema.anyOf;
      Object.assign(jsonSchema, { type: 'integer', format: 'int64', description: 'Unix nanoseconds.' });
    },
  });
  return Object.fromEntries(
    Object.entries(made).map(([name, { $schema: _schema, $id: _id, ...schema }]) => [name, schema]),
  );
}

function pathsOf(list: readonly Operation[]): Record<string, Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of list) {
    const methods = (paths[operation.path] ??= {});
    methods[operation.method] = operationObject(operation);
  }
  return paths;
}

function operationObject(operation: Operation): Record<string, unknown> {
  const { id, tag, summary, body, answer, isText = false, errors = [] } = operation;
  const content = (name: string) => ({ 'application/json': { schema: { $ref: refTo(name) } } });
  const refused = Object.fromEntries(
    errors.map((status) => [String(status), { description: 'Refused', content: content('ApiError') }]),
  );
  return {
    operationId: id,
    tags: [tag],
    summary,
    parameters: parametersOf(operation),
    ...(body !== undefined && { requestBody: { content: content(body) } }),
    responses: {
      200: isText
        ? { description: answer, content: { 'text/plain': { schema: { type: 'string' } } } }
        : { description: 'Done', content: content(answer) },
      ...refused,
      default: { description: 'Refused', content: content('ApiError') },
    },
  };
}

function parametersOf({ path, query = [] }: Operation): unknown[] {
  const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return [
    ...parts.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...query.map((parameter) => ({
      name: parameter.name,
      in: 'query',
      description: parameter.description,
      schema: schemaOf(parameter),
    })),
  ];
}

function schemaOf({ type, values }: Parameter): Record<string, unknown> {
  if (type === 'strings') return { type: 'array', items: { type: 'string' } };
  return { type, ...(values !== undefined && { enum: [...values] }) };
}
