"""What each row of docs/cost.md takes of a Lambda's time, and of DynamoDB."""
