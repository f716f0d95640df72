using LambdaStreaming;
using LambdaStreaming.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
if (builder.Configuration.GetValue<bool>("OwnClient"))
{
    builder.Services.AddSingleton<ILambdaStreamingClient>(_ => new LambdaStreamingClient());
}
else
{
    builder.Services.AddLambdaStreamingClient(options =>
    {
        options.Profile = "production";
        options.IdleTimeout = TimeSpan.FromSeconds(30);
    });
}

var app = builder.Build();
app.MapGet("/chat", () => LambdaResults.Stream(new InvokeWithResponseStreamRequest("chat")));
await app.RunAsync();
