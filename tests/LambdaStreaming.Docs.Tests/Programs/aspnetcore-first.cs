using LambdaStreaming;

var builder = WebApplication.CreateBuilder(args);

// Region and credentials come from the default AWS provider chain.
builder.Services.AddSingleton<ILambdaStreamingClient>(_ => new LambdaStreamingClient());
var app = builder.Build();

app.MapLambdaStream("/chat", "my-function");

app.Run();
