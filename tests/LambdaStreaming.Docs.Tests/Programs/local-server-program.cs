using LambdaStreaming.Testing;

await using var lambda = await LocalLambdaServer.StartAsync(server =>
{
    server.Port = 9555;
    server.AddFunction("chat", async (_, response, cancellationToken) =>
    {
        await response.WriteServerSentEventAsync("Hello", cancellationToken: cancellationToken);
    });
});
var credentials = await lambda.Credentials.GetCredentialsAsync();
Console.WriteLine($"""
    export AWS_ENDPOINT_URL_LAMBDA={lambda.ServiceUrl}
    export AWS_REGION={lambda.Region.SystemName}
    export AWS_ACCESS_KEY_ID={credentials.AccessKey}
    export AWS_SECRET_ACCESS_KEY={credentials.SecretKey}
    """);
Console.ReadLine();
