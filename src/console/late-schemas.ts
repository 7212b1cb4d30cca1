/**
 * Fastify's own compilers of schemas, which compile a schema with the first request that needs it: options of Ajv go
 * in. A console has eighty routes, and a browser asks for ten.
 */
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';

/** Before the routes. */
export async function compileLate(app: FastifyInstance, ajv: FastifyServerOptions['ajv']): Promise<void> {
  // An instance has its compilers once it has a route with a schema.
  const bare = fastify({ ...(ajv && { ajv }) });
  bare.get('/', { schema: { querystring: {}, response: { 200: {} } } }, () => ({}));
  await bare.ready();
  const { validatorCompiler, serializerCompiler } = bare;
  if (!validatorCompiler || !serializerCompiler) throw new Error('Fastify has no compilers of schemas');
  app.setValidatorCompiler((route) => {
    let compiled: ReturnType<typeof validatorCompiler> | undefined;
    const validate: ReturnType<typeof validatorCompiler> = (data) => {
      compiled ??= validatorCompiler(route);
      const fits = compiled(data);
      validate.errors = compiled.errors ?? null;
      return fits;
    };
    return validate;
  });
  app.setSerializerCompiler((route) => {
    let compiled: ReturnType<typeof serializerCompiler> | undefined;
    return (data) => {
      compiled ??= serializerCompiler(route);
      return compiled(data);
    };
  });
}
