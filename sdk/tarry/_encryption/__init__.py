"""What the encryption of payloads needs of the AWS Encryption SDK. It loads with the first value."""
