import express from "express";
import serverless from "serverless-http";

const app = express();
app.use(express.json());
app.post("/items/:id", (req, res) => res.status(201).json({ id: req.params.id, q: req.query.q, body: req.body }));

export const handler = serverless(app);
