"""What runs in Lambda: the matcher, the executor and the timers, over one DynamoDB table and three queues."""
