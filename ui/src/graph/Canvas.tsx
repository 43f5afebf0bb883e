// The ground that pictures of boxes and arrows are drawn on: moved and enlarged, never rearranged.
import {
  Background,
  BackgroundVariant,
  Controls,
  type Edge,
  EdgeLabelRenderer,
  type Node,
  ReactFlow,
  type ReactFlowProps,
} from "@xyflow/react";
import type { ReactNode } from "react";
import "@xyflow/react/dist/base.css";
import "./graph.css";

export const ARROW = { width: 13, height: 13 };

export function Canvas<N extends Node, E extends Edge>({
  label,
  largest,
  ...picture
}: ReactFlowProps<N, E> & {
  label: string;
  /** How large it is drawn at most while it fits. */
  largest: number;
}) {
  return (
    <div className="flow" role="group" aria-label={label}>
      <ReactFlow
        nodesDraggable={false}
        nodesConnectable={false}
        fitView
        fitViewOptions={{ maxZoom: largest, padding: 0.08 }}
        minZoom={0.15}
        maxZoom={1.6}
        proOptions={{ hideAttribution: true }}
        {...picture}
      >
        <Background variant={BackgroundVariant.Dots} gap={18} size={1} />
        <Controls showInteractive={false} position="bottom-right" />
      </ReactFlow>
    </div>
  );
}

/** Words at a point of an arrow. */
export function ArrowWords({
  x,
  y,
  mood = "",
  children,
}: {
  x: number;
  y: number;
  mood?: string;
  children: ReactNode;
}) {
  return (
    <EdgeLabelRenderer>
      <span
        className={`edge-label ${mood}`}
        {...(typeof children === "string" ? { title: children } : {})}
        style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
      >
        {children}
      </span>
    </EdgeLabelRenderer>
  );
}
