namespace LambdaStreaming.Testing.Functions;

/// <summary>A function name, partial ARN or ARN, with or without a qualifier.</summary>
internal readonly record struct FunctionReference(string Name, string? Qualifier)
{
    // Source: AWS Lambda API reference, InvokeWithResponseStream, FunctionName:
    // name[:qualifier] | [function:]name | account:function:name[:qualifier]
    // | arn:aws:lambda:region:account:function:name[:qualifier]
    public static bool TryParse(string text, out FunctionReference reference)
    {
        var parts = text.Split(':');
        var name = Array.IndexOf(parts, "function", 0, Math.Max(0, parts.Length - 1)) + 1;
        if (parts.Length - name > 2 || parts[name].Length == 0)
        {
            reference = default;
            return false;
        }

        reference = new(parts[name], parts.Length - name == 2 ? parts[name + 1] : null);
        return true;
    }
}
