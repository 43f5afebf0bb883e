// Where the page begins.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Refusal } from "./api/http";
import { applyTheme } from "./app/preferences";
import { router } from "./app/router";
import { SessionGate } from "./app/session";
import { Colours } from "./app/who";
import "./design/tokens.css";
import "./design/base.css";
import "./design/shell.css";
import "./design/controls.css";
import "./design/tables.css";

applyTheme();

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // A refusal stays one; a server that is away is asked again until it answers.
      retry: (attempt, error) => !(error instanceof Refusal) && attempt < 60,
      retryDelay: (attempt) => Math.min(5_000, 400 * 2 ** attempt),
      // The browser's idea of being online is about the world, not about a server next to it.
      networkMode: "always",
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

const place = document.getElementById("page");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <SessionGate>
          <Colours>
            <RouterProvider router={router} />
          </Colours>
        </SessionGate>
      </QueryClientProvider>
    </StrictMode>,
  );
}
