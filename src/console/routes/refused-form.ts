/** The form of every answer that is no success, for the document of the API. */
import { Type } from '../../base/schema.ts';

export const refusedForm = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'Why, for programs.' }),
      message: Type.String({ description: 'Why, and what to do: one sentence for people.' }),
    }),
  },
  { description: 'Refused, with the reason.' },
);
