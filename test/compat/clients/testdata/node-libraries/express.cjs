// A handler that is a CommonJS module, as its library is.
const express = require("express");
const serverlessExpress = require("@codegenie/serverless-express");

const app = express();
app.use(express.json());
app.post("/items/:id", (req, res) => res.status(201).json({ id: req.params.id, q: req.query.q, body: req.body }));

exports.handler = serverlessExpress({ app });
